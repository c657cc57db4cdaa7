"use strict";
// Lists, filters and the language of the page. Every text from the data becomes a text node, never markup.
const dqkit = (() => {
  const data = JSON.parse(document.getElementById("dqkit-data").textContent);
  const PAGE = 50;
  const EXAMPLES = 12;
  const RANK = { critical: 0, warning: 1, info: 2 };
  const $ = (id) => document.getElementById(id);
  const state = {
    lang: document.documentElement.lang.startsWith("zh") ? "zh" : "en",
    severities: new Set(Object.keys(RANK)), q: "", site: "", family: "", modality: "", state: "",
    sort: "severity", descending: false, page: PAGE, open: new Set(), openedByPrint: [],
  };

  // ---- texts ----
  const grouped = (value) => (typeof value === "number" ? value.toLocaleString("en-US") : String(value));
  const fill = (pair, values = {}) => {
    let text = pair[state.lang];
    if ("n" in values && text.includes("|")) text = text.split("|")[values.n === 1 ? 0 : 1];
    return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? grouped(values[name]) : whole));
  };
  const say = (key, values) => fill(data.words[key] || { en: key, zh: key }, values);
  const chinese = (text) => (Object.hasOwn(data.zh, text) ? data.zh[text] : null);
  const local = (text) => (state.lang === "zh" && chinese(text)) || text;
  const years = (first, last) => (first === null ? "–" : last === null || first === last ? String(first) : `${first}–${last}`);

  // ---- nodes ----
  // Narrow screens lay tables out as blocks, which would take their meaning away: roles keep it.
  const ROLES = { table: "table", thead: "rowgroup", tbody: "rowgroup", tr: "row", td: "cell" };
  const el = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    const role = tag === "th" ? (attributes.scope === "col" ? "columnheader" : "rowheader") : ROLES[tag];
    if (role) node.setAttribute("role", role);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null && child !== ""));
    return node;
  };
  const bdi = (text) => el("bdi", {}, text);
  const small = (...children) => el("small", { class: "block" }, ...children);
  const value = (text) => el("span", { class: "value" }, text);
  const badge = (kind, tone = kind) => el("span", { class: `badge ${tone}` }, el("span", { class: "shape", "aria-hidden": "true" }), say(kind));

  // ---- data ----
  const unpack = ({ columns, text, rows }) => {
    const isText = columns.map((name) => text.includes(name));
    const read = (cell, i) => (isText[i] ? (cell < 0 ? null : data.strings[cell]) : cell);
    return rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, read(row[i], i)])));
  };
  const rules = data.rules;
  const problems = unpack(data.problems);
  const outcomes = unpack(data.outcomes);
  const byId = new Map();
  problems.forEach((problem, i) => {
    const rule = rules[problem.rule];
    Object.assign(problem, { i, of: rule, examples: [], pictures: [] });
    problem.hay = [rule.id, rule.variant, rule.title.en, rule.title.zh, problem.site, problem.scanner, problem.modality,
      problem.protocol, problem.observed, chinese(problem.observed), problem.problem_id].filter(Boolean).join("\n").toLowerCase();
    byId.set(problem.problem_id, problem);
  });
  for (const example of unpack(data.examples)) {
    const problem = problems[example.problem];
    problem.examples.push(example);
    problem.hay += `\n${example.location || ""}`.toLowerCase();
  }
  for (const picture of data.pictures) byId.get(picture.problem_id)?.pictures.push(picture);
  const siteName = (site) => site ?? say("archive");
  const scannerName = (scanner) => scanner || say("unknown_scanner");
  const stateName = (name) => say(`state.${name}`);

  const matching = () => {
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    return problems.filter((problem) => state.severities.has(problem.severity)
      && (!state.site || (problem.site ?? "\0") === state.site)
      && (!state.family || problem.of.family === state.family)
      && (!state.modality || problem.modality === state.modality)
      && (!state.state || problem.state === state.state)
      && words.every((word) => problem.hay.includes(word)));
  };
  const KEYS = {
    severity: (p) => RANK[p.severity] ?? 9,
    problem: (p) => p.of.title[state.lang],
    where: (p) => siteName(p.site),
    extent: (p) => -(p.files ?? 0) * 1e9 - (p.findings ?? 0),
    when: (p) => -(p.last_year ?? 0),
  };
  const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b, state.lang) : a - b);
  const sorted = (list) => {
    const key = KEYS[state.sort];
    const sign = state.descending ? -1 : 1;
    return [...list].sort((a, b) => sign * compare(key(a), key(b)) || a.i - b.i);
  };

  // ---- problems ----
  const sortHead = (name, classes = "") => {
    const sorting = state.sort === name ? (state.descending ? "descending" : "ascending") : null;
    const again = () => {
      state.descending = state.sort === name && !state.descending;
      state.sort = name;
      showProblems(matching());
      document.querySelector(`[data-sort="${name}"]`).focus();
    };
    const text = say(name === "severity" ? "severity" : name);
    return el("th", { scope: "col", class: classes, "aria-sort": sorting || "none" },
      el("button", { type: "button", class: "sort", "data-sort": name, onclick: again }, text));
  };
  const cell = (name, tag, classes, ...children) => el(tag, { class: classes, "data-label": say(name) }, ...children);
  const problemRow = (p) => el("tr", { class: p.severity },
    el("td", {}, badge(p.severity), small(p.since ? say("state.since", { state: stateName(p.state), when: p.since }) : stateName(p.state))),
    el("th", { scope: "row", class: "what" }, p.of.title[state.lang],
      small(el("span", { class: "id" }, p.of.id + (p.of.variant ? ` ${p.of.variant}` : "")), p.observed ? " · " : "", p.observed ? value(local(p.observed)) : "")),
    cell("where", "td", "where", bdi(siteName(p.site)), small(bdi(scannerName(p.scanner)), p.modality ? ` · ${p.modality}` : ""),
      p.protocol ? small(`${say("protocol")} `, value(p.protocol)) : null),
    cell("extent", "td", "extent", say("count.findings", { n: p.findings ?? 0 }),
      small([["series", p.series], ["patients", p.patients], ["files", p.files]].filter(([, n]) => n).map(([name, n]) => say(`count.${name}`, { n })).join(" · "))),
    cell("when", "td", "when years", years(p.first_year, p.last_year)),
    cell("todo", "td", "todo", el("span", { class: "who" }, fill(data.menders[p.who])), p.of.remedy[state.lang],
      small(el("button", { type: "button", class: "plain", onclick: () => openRule(p.rule) }, say("see_findings"),
        el("span", { class: "hidden" }, ` ${p.of.id} ${siteName(p.site)}`)))));
  const showProblems = (found) => {
    const list = $("problem-list");
    $("status").textContent = say("shown", { n: found.length, all: problems.length });
    if (!found.length) {
      list.replaceChildren(el("p", { class: "empty" }, say(problems.length ? "none_match" : "none_at_all")));
      return;
    }
    const head = el("tr", {}, sortHead("severity"), sortHead("problem"), sortHead("where"), sortHead("extent"), sortHead("when"),
      el("th", { scope: "col" }, say("todo")));
    const shown = sorted(found).slice(0, state.page);
    const table = el("table", { class: "problems cards" }, el("caption", { class: "hidden" }, say("h.problems")),
      el("thead", {}, head), el("tbody", {}, ...shown.map(problemRow)));
    list.replaceChildren(el("div", {}, table));
    const left = found.length - shown.length;
    if (left > 0) {
      const more = () => { state.page += PAGE; showProblems(matching()); list.querySelectorAll("tbody button.plain")[shown.length]?.focus(); };
      list.append(el("div", { class: "more" }, el("button", { type: "button", onclick: more }, say("more", { n: Math.min(left, PAGE) }))));
    }
  };

  // ---- findings by rule ----
  const fact = (name, text) => (text ? [el("dt", {}, say(name)), el("dd", {}, text)] : []);
  const exampleRow = ([p, example]) => el("tr", {},
    cell("location", "th", "", value(example.location || "–")),
    cell("site", "td", "", bdi(siteName(p.site)), small(bdi(scannerName(p.scanner)), p.modality ? ` · ${p.modality}` : "")),
    cell("observed", "td", "", value(local(example.observed) ?? "–")), cell("expected", "td", "", local(example.expected) ?? "–"),
    cell("when", "td", "", example.year === null ? "–" : String(example.year)),
    cell("files", "td", "n", example.n_paths === null ? "–" : grouped(example.n_paths)));
  const exampleTable = (pairs, title, all) => {
    const body = el("tbody", {}, ...pairs.slice(0, EXAMPLES).map(exampleRow));
    const head = ["location", "site", "observed", "expected", "when", "files"].map((name) => el("th", { scope: "col", class: name === "files" ? "n" : "" }, say(name)));
    const box = el("div", {}, el("table", { class: "cards" }, el("caption", { class: "hidden" }, title), el("thead", {}, el("tr", {}, ...head)), body));
    if (pairs.length > EXAMPLES) {
      const more = (event) => { body.append(...pairs.slice(EXAMPLES).map(exampleRow)); event.target.remove(); };
      box.append(el("p", { class: "more" }, el("button", { type: "button", onclick: more }, say("more", { n: pairs.length - EXAMPLES }))));
    }
    if (pairs.length < all) box.append(el("p", { class: "note" }, say("examples", { n: pairs.length, all })));
    return box;
  };
  const figure = (p, picture) => el("figure", {},
    el("img", { src: picture.src, alt: picture.caption[state.lang], width: picture.width, height: picture.height, loading: "lazy" }),
    el("figcaption", {}, bdi(siteName(p.site)), ` · ${picture.caption[state.lang]}`));
  const ruleBody = (rule, found) => {
    const pairs = found.flatMap((p) => p.examples.map((example) => [p, example]));
    const all = found.reduce((sum, p) => sum + (p.findings ?? 0), 0);
    const pictures = found.flatMap((p) => p.pictures.map((picture) => figure(p, picture)));
    return el("div", { class: "rule-body" },
      el("dl", { class: "rule-facts" }, ...fact("why", rule.why[state.lang]), ...fact("remedy", rule.remedy[state.lang]),
        ...fact("standard", rule.standard), ...fact("level", rule.level && say(`level.${rule.level}`))),
      pictures.length ? el("div", { class: "gallery" }, ...pictures) : "",
      pairs.length ? exampleTable(pairs, rule.title[state.lang], all) : "");
  };
  const ruleBlock = (index, found) => {
    const rule = rules[index];
    const severity = found.reduce((worst, p) => (RANK[p.severity] < RANK[worst] ? p.severity : worst), found[0].severity);
    const n = found.reduce((sum, p) => sum + (p.findings ?? 0), 0);
    const sites = new Set(found.map((p) => p.site)).size;
    const about = `${say("count.findings", { n })} · ${say("count.sites", { n: sites })}`;
    const block = el("details", { class: "panel rule", id: `rule-${index}` },
      el("summary", {}, badge(severity), el("h3", {}, rule.title[state.lang], " ", el("span", { class: "id muted" }, rule.id + (rule.variant ? ` ${rule.variant}` : ""))), el("span", { class: "muted" }, about)));
    const render = () => { if (block.open && !block.querySelector(".rule-body")) block.append(ruleBody(rule, found)); };
    block.addEventListener("toggle", () => { state.open[block.open ? "add" : "delete"](index); render(); });
    block.render = render;
    if (state.open.has(index)) { block.open = true; render(); }
    return block;
  };
  const showRules = (found) => {
    const groups = new Map();
    for (const p of found) groups.set(p.rule, [...(groups.get(p.rule) || []), p]);
    const worst = (list) => Math.min(...list.map((p) => RANK[p.severity]));
    const order = [...groups].sort(([a, x], [b, y]) => worst(x) - worst(y) || compare(rules[a].id, rules[b].id));
    const blocks = order.map(([index, list]) => ruleBlock(index, list));
    $("rule-list").replaceChildren(...(blocks.length ? blocks : [el("p", { class: "panel empty" }, say(problems.length ? "none_match" : "none_at_all"))]));
  };
  const openRule = (index) => {
    const block = $(`rule-${index}`);
    if (!block) return;
    block.open = true;
    block.render();
    block.scrollIntoView({ block: "start" });
    block.querySelector("summary").focus({ preventScroll: true });
  };

  // ---- coverage ----
  const VERDICTS = ["fail", "error", "unknown", "pass", "not_applicable"];
  const coverageRow = ([index, list]) => {
    const sum = (name) => list.reduce((total, row) => total + (row[name] ?? 0), 0);
    const of = (verdict) => list.filter((row) => row.verdict === verdict);
    const verdict = VERDICTS.find((name) => of(name).length) || "not_applicable";
    const reasons = [["missing", "unknown_missing"], ["varying", "unknown_varying"], ["not_looked_at", "unknown_not_looked_at"], ["implied", "implied"], ["waived", "waived"]]
      .map(([word, column]) => [word, sum(column)]).filter(([, n]) => n > 0).map(([word, n]) => say(word, { n }));
    const sites = of("fail").map((row) => siteName(row.site));
    const where = sites.length > 3 ? `${sites.slice(0, 3).join(", ")} … (${say("fails_at", { n: sites.length })})` : sites.join(", ");
    const severity = list[0].severity;
    return { verdict, family: rules[index].family, rank: VERDICTS.indexOf(verdict) * 10 + (RANK[severity] ?? 9), node: el("tr", {},
      el("td", {}, badge(verdict, verdict === "fail" ? severity : verdict), verdict === "fail" ? small(bdi(where)) : ""),
      el("th", { scope: "row" }, rules[index].title[state.lang], small(el("span", { class: "id" }, rules[index].id))),
      cell("passed", "td", "n", grouped(sum("passed"))), cell("failed", "td", "n", grouped(sum("failed"))),
      cell("could_not", "td", "n", grouped(sum("unknown"))), cell("out_of_scope", "td", "n", grouped(sum("not_applicable"))),
      el("td", {}, el("small", {}, reasons.join(" · ")))) };
  };
  const familyName = (family) => (data.families[family] ? `${fill(data.families[family])} (${family})` : family);
  const coverageTable = (family, rows) => {
    const head = [["verdict"], ["looked_for"], ["passed", "n"], ["failed", "n"], ["could_not", "n"], ["out_of_scope", "n"], ["why_not"]]
      .map(([name, classes]) => el("th", { scope: "col", class: classes || "" }, say(name)));
    const body = [...rows].sort((a, b) => a.rank - b.rank).map((row) => row.node);
    return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": familyName(family) },
      el("table", { class: "cards" }, el("caption", { class: "hidden" }, familyName(family)),
        el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body)));
  };
  const familyBlock = (family, rows) => {
    const key = `family-${family}`;
    const count = (verdict) => rows.filter((row) => row.verdict === verdict).length;
    const about = [say("count.rules", { n: rows.length })];
    for (const verdict of ["fail", "error", "unknown", "not_applicable"]) if (count(verdict)) about.push(`${say(verdict)} ${grouped(count(verdict))}`);
    const block = el("details", { class: "panel family", id: key, open: state.open.has(key) },
      el("summary", {}, el("h3", {}, familyName(family)), el("span", { class: "muted" }, about.join(" · "))), coverageTable(family, rows));
    block.addEventListener("toggle", () => state.open[block.open ? "add" : "delete"](key));
    return block;
  };
  const showCoverage = () => {
    const groups = new Map();
    for (const row of outcomes) {
      if (state.site && (row.site ?? "\0") !== state.site) continue;
      if (state.family && rules[row.rule].family !== state.family) continue;
      groups.set(row.rule, [...(groups.get(row.rule) || []), row]);
    }
    const families = new Map();
    for (const row of [...groups].map(coverageRow)) families.set(row.family, [...(families.get(row.family) || []), row]);
    const blocks = [...families].sort(([a], [b]) => compare(a, b)).map(([family, rows]) => familyBlock(family, rows));
    $("coverage-list").replaceChildren(...(blocks.length ? blocks : [el("p", { class: "panel empty" }, say("none_match"))]));
  };

  // ---- filters ----
  const distinct = (list) => [...new Set(list)].filter((name) => name !== null && name !== "");
  const options = (id, current, entries) => $(id).replaceChildren(...[["", say("all")], ...entries]
    .map(([key, text]) => el("option", { value: key, selected: key === current }, text)));
  const showFilters = () => {
    const sites = distinct([...problems, ...outcomes].map((row) => row.site)).map((name) => [name, name]);
    if ([...problems, ...outcomes].some((row) => row.site === null)) sites.push(["\0", say("archive")]);
    options("f-site", state.site, sites);
    options("f-family", state.family, distinct(rules.map((rule) => rule.family)).sort()
      .map((name) => [name, familyName(name)]));
    options("f-modality", state.modality, distinct(problems.map((p) => p.modality)).sort().map((name) => [name, name]));
    options("f-state", state.state, distinct(problems.map((p) => p.state)).map((name) => [name, stateName(name)]));
    $("q").value = state.q;
    for (const box of document.querySelectorAll("[name=severity]")) box.checked = state.severities.has(box.value);
  };
  const show = () => { const found = matching(); showProblems(found); showRules(found); showCoverage(); };
  const filtered = () => { state.page = PAGE; show(); };
  const reset = () => {
    Object.assign(state, { q: "", site: "", family: "", modality: "", state: "", severities: new Set(Object.keys(RANK)) });
    showFilters();
    filtered();
  };

  // ---- language ----
  const setLanguage = (lang) => {
    state.lang = lang;
    document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
    for (const node of document.querySelectorAll("[data-en]")) node.textContent = node.dataset[lang];
    for (const node of document.querySelectorAll("[data-en-label]")) node.setAttribute("aria-label", node.dataset[`${lang}Label`]);
    for (const node of document.querySelectorAll("[data-en-placeholder]")) node.placeholder = node.dataset[`${lang}Placeholder`];
    for (const button of document.querySelectorAll("[data-lang]")) button.setAttribute("aria-pressed", String(button.dataset.lang === lang));
    showFilters();
    show();
    document.dispatchEvent(new CustomEvent("dqkit-language"));
  };

  // ---- wiring ----
  let typing = 0;
  $("q").addEventListener("input", (event) => {
    clearTimeout(typing);
    typing = setTimeout(() => { state.q = event.target.value; filtered(); }, 120);
  });
  for (const name of ["site", "family", "modality", "state"]) {
    $(`f-${name}`).addEventListener("change", (event) => { state[name] = event.target.value; filtered(); });
  }
  for (const box of document.querySelectorAll("[name=severity]")) {
    box.addEventListener("change", () => { state.severities[box.checked ? "add" : "delete"](box.value); filtered(); });
  }
  $("reset").addEventListener("click", reset);
  for (const button of document.querySelectorAll("[data-lang]")) button.addEventListener("click", () => setLanguage(button.dataset.lang));
  for (const link of document.querySelectorAll("a[data-severity]")) {
    link.addEventListener("click", () => {
      Object.assign(state, { q: "", family: "", modality: "", state: "", severities: new Set([link.dataset.severity]) });
      state.site = "site" in link.dataset ? link.dataset.site || "\0" : "";
      showFilters();
      filtered();
    });
  }
  addEventListener("beforeprint", () => {
    const closed = (kind) => [...document.querySelectorAll(`details.${kind}:not([open])`)];
    state.openedByPrint = [...closed("rule").slice(0, 80), ...closed("family"), ...closed("fold")];
    for (const block of state.openedByPrint) { block.open = true; block.render?.(); }
  });
  addEventListener("afterprint", () => { for (const block of state.openedByPrint) block.open = false; });
  showFilters();
  show();
  return { data, state, say };
})();
