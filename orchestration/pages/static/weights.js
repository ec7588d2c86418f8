// The default ranking calculated again at other weights, from each council's published scores: see the method, sections 3 and 5.
(function () {
  "use strict";
  var data = window.WEIGHTS, form = document.getElementById("weights"), published = {};
  form.hidden = false;

  // window.rankAt is what a test calls: weights by domain, power of spend, measures that do not count -> councils, best first
  function rankAt(domainWeights, k, off) {
    var counted = data.measures.map(function (m) { return off.indexOf(m.id) < 0; });
    var scored = data.councils.map(function (council) {
      var outcome = 0, total = 0, whole = true;
      data.domains.forEach(function (domain) {
        var weight = domainWeights[domain.id];
        if (!(weight > 0)) { return; }
        var sum = 0, held = 0, inForce = 0, values = 0;
        data.measures.forEach(function (m, n) {
          if (m.domain !== domain.id || !counted[n]) { return; }
          inForce += m.weight;
          if (council.scores[n] !== null) { sum += m.weight * council.scores[n]; held += m.weight; values += 1; }
        });
        if (!inForce || held / inForce < data.minCoverage - 1e-9 || values < data.minMeasures) { whole = false; return; }
        outcome += weight * (sum / held); total += weight;
      });
      var productivity = !whole || !total ? null : k === 0 ? outcome / total : council.spend === null ? null : outcome / total / Math.pow(council.spend, k);
      return { council: council, productivity: productivity };
    });
    scored.sort(function (a, b) { return (b.productivity === null ? -1 : b.productivity) - (a.productivity === null ? -1 : a.productivity) || (a.council.name < b.council.name ? -1 : 1); });
    var rank = 0, before = null;
    scored.forEach(function (s) {
      if (s.productivity === null) { s.rank = null; return; }
      var rounded = Math.round(s.productivity * 1e9) / 1e9;
      if (rounded !== before) { rank += 1; before = rounded; }
      s.rank = rank;
    });
    return scored;
  }
  window.rankAt = rankAt;

  var sliders = {};
  data.domains.forEach(function (d) { sliders[d.id] = document.getElementById("w-" + d.id); published[d.id] = d.weight; });
  var power = document.getElementById("w-k"), ticks = Array.prototype.slice.call(form.querySelectorAll("[data-measure]"));
  function start() {
    data.domains.forEach(function (d) { sliders[d.id].value = d.weight; });
    power.value = data.k; ticks.forEach(function (t) { t.checked = true; });
  }
  function read() {
    var said = new URLSearchParams(location.hash.slice(1));
    start();
    data.domains.forEach(function (d) { if (said.has(d.id)) { sliders[d.id].value = said.get(d.id); } });
    if (said.has("k")) { power.value = said.get("k"); }
    (said.get("off") || "").split(",").forEach(function (id) { ticks.forEach(function (t) { if (t.dataset.measure === id) { t.checked = false; } }); });
  }
  function keep() {
    var said = new URLSearchParams(), off = ticks.filter(function (t) { return !t.checked; }).map(function (t) { return t.dataset.measure; });
    data.domains.forEach(function (d) { if (parseFloat(sliders[d.id].value) !== d.weight) { said.set(d.id, sliders[d.id].value); } });
    if (parseFloat(power.value) !== data.k) { said.set("k", power.value); }
    if (off.length) { said.set("off", off.join(",")); }
    history.replaceState(null, "", said.toString() ? "#" + said : location.pathname);
  }
  function cell(row, name, text, kind) { var made = document.createElement(name); made.textContent = text; if (kind) { made.className = kind; } if (name === "th") { made.scope = "row"; } row.appendChild(made); return made; }
  function fixed(value, places) { return value === null ? "\u2013" : value.toFixed(places); }
  function correlation(pairs) {
    var n = pairs.length, sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
    pairs.forEach(function (p) { sx += p[0]; sy += p[1]; sxx += p[0] * p[0]; syy += p[1] * p[1]; sxy += p[0] * p[1]; });
    return (n * sxy - sx * sy) / Math.sqrt((n * sxx - sx * sx) * (n * syy - sy * sy));
  }
  function answer() {
    var weights = {}, off = ticks.filter(function (t) { return !t.checked; }).map(function (t) { return t.dataset.measure; });
    data.domains.forEach(function (d) { weights[d.id] = parseFloat(sliders[d.id].value); });
    Array.prototype.forEach.call(form.querySelectorAll("output"), function (o) { o.textContent = parseFloat(document.getElementById(o.htmlFor.value || o.getAttribute("for")).value).toFixed(1); });
    var ranked = rankAt(weights, parseFloat(power.value), off);
    var pairs = ranked.filter(function (s) { return s.rank !== null && s.council.rank !== null; }).map(function (s) { return [s.rank, s.council.rank]; });
    var moved = pairs.reduce(function (sum, p) { return sum + Math.abs(p[0] - p[1]); }, 0) / (pairs.length || 1);
    document.getElementById("distance").textContent = !pairs.length ? "At these weights nobody can be ranked: a domain needs " + data.minMeasures + " measures with a value."
      : moved === 0 && ranked.filter(function (s) { return s.rank !== null; }).length === pairs.length ? "This is the published ranking."
      : "On average a council stands " + moved.toFixed(1) + " places from its published rank; the two rankings correlate by " + correlation(pairs).toFixed(3) + ".";
    var table = document.createElement("table"), head = document.createElement("tr"), body = document.createElement("tbody"), caption = document.createElement("caption");
    caption.textContent = "Ranking at these weights, " + data.year; table.appendChild(caption);
    ["Council", "Rank", "Published rank", "Places gained", "Productivity"].forEach(function (name, n) { var th = cell(head, "th", name, n ? "n" : ""); th.scope = "col"; });
    var thead = document.createElement("thead"); thead.appendChild(head); table.appendChild(thead);
    ranked.forEach(function (s) {
      var row = document.createElement("tr"), name = cell(row, "th", ""), link = document.createElement("a");
      link.href = window.councilHref(s.council.code); link.textContent = s.council.name; name.appendChild(link);
      var gained = s.rank === null || s.council.rank === null ? null : s.council.rank - s.rank;
      cell(row, "td", s.rank === null ? "\u2013" : String(s.rank), "n"); cell(row, "td", s.council.rank === null ? "\u2013" : String(s.council.rank), "n");
      cell(row, "td", gained === null ? "\u2013" : (gained > 0 ? "+" : gained < 0 ? "\u2212" : "") + Math.abs(gained), "n"); cell(row, "td", fixed(s.productivity, 1), "n");
      body.appendChild(row);
    });
    table.appendChild(body);
    var scroll = document.createElement("div"); scroll.className = "scroll"; scroll.tabIndex = 0; scroll.setAttribute("role", "region"); scroll.setAttribute("aria-label", caption.textContent);
    scroll.appendChild(table);
    var place = document.getElementById("answer"); place.textContent = ""; place.appendChild(scroll);
  }
  form.addEventListener("input", function () { answer(); keep(); });
  form.addEventListener("reset", function (event) { event.preventDefault(); start(); answer(); keep(); });
  addEventListener("hashchange", function () { read(); answer(); });
  read(); answer();
}());
