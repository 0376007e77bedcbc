"""The colours of the charts: Okabe and Ito's, which colour-blind readers tell apart.

Charts are drawn in the light colours; `DARK` has the twin of each for a dark page, and the
page swaps them in the browser.

Source: M. Okabe, K. Ito, "Color Universal Design", 2008 (jfly.uni-koeln.de/color).
"""

INK = "#1f2a30"
MUTED = "#5d6a72"
GRID = "#e6eaec"
PAPER = "#ffffff"
BLUE = "#0072b2"
VERMILLION = "#d55e00"
GREEN = "#007a5a"  # bluish green, darkened until its text reads on white (contrast 5.3)
SHADE = "rgba(0,114,178,0.10)"
DOUBT = "rgba(0,114,178,0.16)"
POINT = "rgba(0,114,178,0.55)"
FAINT = "#6fa8cf"
"""Of what is measured and does not matter most."""
VALLEY = "#c6dae6"
HEIGHT = "#b9c6ce"

METHODS = (VERMILLION, BLUE, GREEN, "#a3498c", "#9a7400", INK)
"""For what has no order; beyond them the dash of a line tells it apart. Contrast on white: 3.8 and more."""

_PLAIN = {
    INK: "#e7ecef",
    MUTED: "#9eabb3",
    GRID: "#2c353b",
    PAPER: "#171d21",
    BLUE: "#56b4e9",
    VERMILLION: "#f0924c",
    GREEN: "#3fc9a0",
    SHADE: "rgba(86,180,233,0.13)",
    DOUBT: "rgba(86,180,233,0.22)",
    POINT: "rgba(86,180,233,0.6)",
    FAINT: "#3d7ea6",
    VALLEY: "#2a4352",
    HEIGHT: "#45535c",
    METHODS[3]: "#e39bcb",
    METHODS[4]: "#e6b93f",
}

# Viridis, in order, on a light and on a dark page; the end that would vanish on either is left out.
_RAMP = (
    ("#440154", "#355f8c"),
    ("#471b6c", "#2e6f8e"),
    ("#45337e", "#287e8e"),
    ("#3e4989", "#238e8c"),
    ("#355e8c", "#1f9e89"),
    ("#2d718e", "#2bac80"),
    ("#26838e", "#3dba74"),
    ("#21958b", "#5dc762"),
    ("#27a783", "#82d34b"),
    ("#37b878", "#abdc32"),
    ("#5dc762", "#d4e228"),
    ("#89d447", "#fde725"),
)

DARK = {**_PLAIN, **dict(_RAMP)}
"""The colour on a dark page of every colour that a chart may have."""


def ramp(shades: int) -> list[str]:
    """Colours in order, evenly spread; more than twelve share some."""
    return [_RAMP[round(step * (len(_RAMP) - 1) / max(shades - 1, 1))][0] for step in range(shades)]
