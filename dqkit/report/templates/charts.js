"use strict";
// Draws the charts: SVG, expressions by an interpreter (the page's policy forbids eval), nothing loaded.
(() => {
  const FONT = getComputedStyle(document.body).fontFamily;
  const quiet = { labelColor: "currentColor", titleColor: "currentColor", gridColor: "currentColor", gridOpacity: 0.12, domain: false,
    tickColor: "currentColor", tickOpacity: 0.3, labelFontSize: 12, titleFontSize: 12, titleFontWeight: 400, titleOpacity: 0.8 };
  const config = { background: "transparent", font: FONT, view: { stroke: null }, axis: quiet,
    axisY: { grid: true, labelFontSize: 12.5 }, legend: { labelColor: "currentColor", labelFontSize: 12.5, symbolSize: 110, symbolStrokeWidth: 0 } };
  let by = "site";

  const draw = async (plot) => {
    const { views } = dqkit.data.charts[Number(plot.dataset.chart)];
    const view = views[by];
    const spec = structuredClone(view.spec[dqkit.state.lang]);
    spec.datasets = { rows: view.rows };
    const old = plot.drawn;
    plot.drawn = null;
    old?.finalize();
    const inside = document.createElement("div"); // vega-embed renames the node it is given, and plot has its name
    inside.setAttribute("aria-hidden", "true");
    plot.replaceChildren(inside);
    plot.drawn = await vegaEmbed(inside, spec, { mode: "vega-lite", renderer: "svg", actions: false, ast: true, config, logLevel: 1 });
    plot.dataset.ready = `${by} ${dqkit.state.lang}`;
  };
  const drawAll = async () => { for (const plot of document.querySelectorAll("[data-chart]")) await draw(plot); };
  let queue = Promise.resolve();
  const again = () => {
    for (const plot of document.querySelectorAll("[data-chart]")) delete plot.dataset.ready;
    queue = queue.then(drawAll);
  };

  for (const radio of document.querySelectorAll("[name=chart-by]")) {
    radio.addEventListener("change", () => {
      by = radio.value;
      for (const table of document.querySelectorAll("[data-view]")) table.hidden = table.dataset.view !== by;
      document.querySelector(".chart-grid").classList.toggle("wide", by === "scanner");
      again();
    });
  }
  document.addEventListener("dqkit-language", again);
  again();
})();
