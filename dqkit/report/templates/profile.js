"use strict";
// The language of the profile's page; charts.js draws what it holds.
const dqkit = (() => {
  const data = JSON.parse(document.getElementById("dqkit-data").textContent);
  const state = { lang: document.documentElement.lang.startsWith("zh") ? "zh" : "en" };
  const setLanguage = (lang) => {
    state.lang = lang;
    document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
    for (const node of document.querySelectorAll("[data-en]")) node.textContent = node.dataset[lang];
    for (const node of document.querySelectorAll("[data-en-label]")) node.setAttribute("aria-label", node.dataset[`${lang}Label`]);
    for (const button of document.querySelectorAll("[data-lang]")) button.setAttribute("aria-pressed", String(button.dataset.lang === lang));
    document.dispatchEvent(new CustomEvent("dqkit-language"));
  };
  for (const button of document.querySelectorAll("[data-lang]")) button.addEventListener("click", () => setLanguage(button.dataset.lang));
  addEventListener("beforeprint", () => { for (const fold of document.querySelectorAll("details.fold")) fold.open = true; });
  return { data, state };
})();
