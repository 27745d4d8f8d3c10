"""What may become of a request: every class of failure is one line, and answers of other weights are none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contango_inference.backends.triton_call import REASON_LETTERS, Refusal, checked, refusal_of
from contango_inference.triton.made import made_model
from contango_inference.triton.names import version_number

MODEL = made_model("made", 1)
WIDTH = MODEL.manifest.contract.outputs

# Statuses and words as server 2.51 and gRPC give them.
SAID = [
    ("UNAVAILABLE", "failed to connect to all addresses; last error: Connection refused", "unreachable", False),
    ("UNAVAILABLE", "Socket closed", "unreachable", False),
    ("DEADLINE_EXCEEDED", "Deadline Exceeded", "deadline: no answer in time", False),
    ("UNAVAILABLE", "Request timeout expired", "deadline: refused in the server's queue", False),
    ("UNAVAILABLE", "[request id: 1] Exceeds maximum queue size", "queue full at the server", False),
    ("NOT_FOUND", "Request for unknown model: 'x' is not found", "unknown model", True),
    ("UNAVAILABLE", "Request for unknown model: 'x' has no available versions", "not ready", True),
    ("UNAVAILABLE", "Server is stopping, scheduler for model has stopped accepting", "not ready", False),
    ("INVALID_ARGUMENT", "unexpected shape for input 'WINDOWS'", "refused as misshapen", True),
    ("INTERNAL", "a window holds a number that is not finite", "server error", False),
    (None, None, "server error: no reason given", False),
]


@pytest.mark.parametrize(("code", "words", "begins", "spoke"), SAID)
def test_every_class_of_failure_is_known_by_its_first_words(code, words, begins, spoke):
    found = refusal_of(code and f"StatusCode.{code}", words)
    assert found.reason.startswith(begins)
    assert found.spoke is spoke


@given(st.sampled_from([f"StatusCode.{code}" for code, *_ in SAID if code] + [None]), st.one_of(st.none(), st.text()))
def test_whatever_a_server_says_is_one_short_line(status, words):
    found = refusal_of(status, words)
    assert found.reason
    assert len(found.reason.splitlines()) == 1
    assert len(found.reason) <= REASON_LETTERS + 60


def right(batch: int = 3) -> tuple[np.ndarray, np.ndarray]:
    versions = np.full((batch, 1), version_number(MODEL.version), dtype=np.int64)
    return np.ones((batch, WIDTH), dtype=np.float32), versions


def test_an_answer_that_fits_is_handed_on_as_it_is():
    outputs, versions = right()
    assert checked(MODEL, 3, outputs, versions) is outputs


@given(st.integers(0, 2), st.integers(-(2**63), 2**63 - 1))
def test_one_row_of_other_weights_spoils_the_answer(row, other):
    outputs, versions = right()
    versions[row] = other
    found = checked(MODEL, 3, outputs, versions)
    if other == version_number(MODEL.version):
        assert found is outputs
    else:
        assert isinstance(found, Refusal)
        assert found.reason.startswith("wrong version: made there is")
        assert MODEL.version[:16] in found.reason


@pytest.mark.parametrize(
    ("outputs", "versions", "reason"),
    [
        (np.ones((2, WIDTH), dtype=np.float32), right()[1], "wrong shape"),
        (np.ones((3, WIDTH + 1), dtype=np.float32), right()[1], "wrong shape"),
        (np.ones((3, WIDTH)), right()[1], "wrong shape"),
        (right()[0], np.empty((0, 1), dtype=np.int64), "wrong version"),
        (None, right()[1], "server error"),
        (right()[0], None, "server error"),
    ],
    ids=["rows", "columns", "double", "no version", "no outputs", "nothing said of versions"],
)
def test_an_answer_that_does_not_fit_is_refused(outputs, versions, reason):
    found = checked(MODEL, 3, outputs, versions)
    assert isinstance(found, Refusal)
    assert found.reason.startswith(reason)
