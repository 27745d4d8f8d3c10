"""The sizes of a Mamba-2 network, and the letters that its files use. Pure.

Glossary (of every file of this folder)

    B   batch                              b
    L   rows of a window                   l
    F   features of a row                  f
    D   width of the residual stream       d_model
    E   inner width = expand · d_model     d_inner
    H   heads = d_inner / headdim          h
    P   width of a head                    headdim
    N   size of a head's state, per P      d_state
    G   groups that share B and C          groups
    K   taps of the causal convolution     d_conv
    O   outputs: 3 directions + horizons · levels

    x   input of the recurrence (B, L, H, P)      z   its gate (B, L, E)
    dt  step size after softplus (B, L, H)        A   decay rate, below 0 (H,)
    b   how the input enters the state (B, L, G, N)
    c   how the state is read (B, L, G, N)        s   state (B, H, P, N)

The recurrence of one head, with its direct path ``d``:

    s_t = exp(dt_t · A) · s_{t−1} + dt_t · x_t ⊗ b_t            y_t = s_t · c_t + d · x_t

References:
    [1] T. Dao, A. Gu, "Transformers are SSMs: generalized models and efficient algorithms through structured state
        space duality", ICML 2024, sections 5 to 7.
"""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Shape(BaseModel):
    """Sizes of the network; the defaults are those of the published strategy (six layers of 256, context of 8 bars).

    >>> Shape().d_inner, Shape().heads, Shape().conv_width
    (512, 8, 768)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    layers: int = Field(6, ge=1, le=64)
    d_model: int = Field(256, ge=4, le=4096)
    d_state: int = Field(128, ge=1, le=256)
    d_conv: int = Field(4, ge=2, le=8)
    expand: int = Field(2, ge=1, le=8)
    headdim: int = Field(64, ge=1, le=256)
    groups: int = Field(1, ge=1, le=64)
    chunk: int = Field(64, ge=1, le=1024)

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.d_inner % self.headdim:
            raise ValueError(f"headdim {self.headdim} must divide expand · d_model = {self.d_inner}")
        if self.heads % self.groups:
            raise ValueError(f"groups {self.groups} must divide the {self.heads} heads")
        return self

    @property
    def d_inner(self) -> int:
        return self.expand * self.d_model

    @property
    def heads(self) -> int:
        return self.d_inner // self.headdim

    @property
    def conv_width(self) -> int:
        """Channels that pass the convolution: x, b and c side by side."""
        return self.d_inner + 2 * self.groups * self.d_state

    @property
    def in_width(self) -> int:
        """What the input projection makes of a row: z, then the channels of the convolution, then dt."""
        return self.d_inner + self.conv_width + self.heads

    def tensors(self, features: int, outputs: int) -> dict[str, tuple[int, ...]]:
        """Name and shape of every weight of a whole network.

        >>> small = Shape(layers=1, d_model=8, d_state=4, headdim=4)
        >>> small.tensors(3, 5)["layers.0.mixer.in_proj.weight"]
        (44, 8)
        """
        found: dict[str, tuple[int, ...]] = {"embed.weight": (self.d_model, features), "embed.bias": (self.d_model,)}
        for i in range(self.layers):
            found[f"layers.{i}.norm.weight"] = (self.d_model,)
            found |= {f"layers.{i}.mixer.{name}": shape for name, shape in self.mixer().items()}
        found["norm_f.weight"] = (self.d_model,)
        found |= {"head.weight": (outputs, self.d_model), "head.bias": (outputs,)}
        return found

    def mixer(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of the weights of one block, as ``mamba_ssm.Mamba2`` calls them."""
        return {
            "in_proj.weight": (self.in_width, self.d_model),
            "conv1d.weight": (self.conv_width, 1, self.d_conv),
            "conv1d.bias": (self.conv_width,),
            "dt_bias": (self.heads,),
            "A_log": (self.heads,),
            "D": (self.heads,),
            "norm.weight": (self.d_inner,),
            "out_proj.weight": (self.d_model, self.d_inner),
        }
