// Draws every chart of a page, in the colours of its light or dark scheme.
(() => {
  "use strict";
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const narrow = window.matchMedia("(max-width: 40rem)");
  const config = {
    responsive: true,
    displaylogo: false,
    modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
  };

  // Furo's switch has three places; "auto" follows the system.
  const isDark = () => {
    const theme = document.body.dataset.theme;
    return theme === "dark" || (theme !== "light" && dark.matches);
  };

  // A figure is drawn in light colours; each has a twin on a dark page.
  const recoloured = (value, twins) => {
    if (typeof value === "string") return twins[value] ?? value;
    if (Array.isArray(value)) return value.map((inner) => recoloured(inner, twins));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, recoloured(inner, twins)]));
  };

  const fitted = (layout) => {
    if (!narrow.matches) return layout;
    const xaxis = { ...layout.xaxis, tickfont: { size: 10 } };
    const legend = { ...layout.legend, y: -0.28 };
    const margin = { ...layout.margin, l: 52, r: 6 };
    return { ...layout, xaxis, legend, margin, font: { ...layout.font, size: 12 } };
  };

  const drawn = [...document.querySelectorAll("script.learn-figure")].map((held) => JSON.parse(held.textContent));

  const draw = (inDark, size = {}) => {
    for (const { chart, figure, dark: twins } of drawn) {
      const { data, layout } = inDark ? recoloured(figure, twins) : structuredClone(figure);
      Plotly.react(chart, data, { ...fitted(layout), ...size }, config);
    }
  };

  const redraw = () => draw(isDark());
  redraw();
  dark.addEventListener("change", redraw);
  narrow.addEventListener("change", redraw);
  new MutationObserver(redraw).observe(document.body, { attributeFilter: ["data-theme"] });
  window.addEventListener("beforeprint", () => draw(false, { height: 320 }));
  window.addEventListener("afterprint", redraw);
})();
