// Draws every chart of the page, in the colours of its light or dark scheme.
(() => {
  "use strict";
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const figures = read("figures");
  const darkTwin = read("dark-colours");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const narrow = window.matchMedia("(max-width: 40rem)");
  const config = {
    responsive: true,
    displaylogo: false,
    modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
  };

  // A figure is drawn in light colours; each has a twin on a dark page.
  const recoloured = (value) => {
    if (typeof value === "string") return darkTwin[value] ?? value;
    if (Array.isArray(value)) return value.map(recoloured);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, recoloured(inner)]));
  };

  const fitted = (layout) => {
    if (!narrow.matches) return layout;
    const xaxis = { ...layout.xaxis, tickfont: { size: 10 } };
    return { ...layout, xaxis, margin: { ...layout.margin, l: 52, r: 6 }, font: { ...layout.font, size: 12 } };
  };

  const draw = (isDark, size = {}) => {
    for (const [id, figure] of Object.entries(figures)) {
      const { data, layout } = isDark ? recoloured(figure) : structuredClone(figure);
      Plotly.react(id, data, { ...fitted(layout), ...size }, config);
    }
    document.dispatchEvent(new CustomEvent("charts-drawn"));
  };

  const redraw = () => draw(dark.matches);
  redraw();
  dark.addEventListener("change", redraw);
  narrow.addEventListener("change", redraw);
  window.addEventListener("beforeprint", () => draw(false, { height: 320 }));
  window.addEventListener("afterprint", redraw);
})();
