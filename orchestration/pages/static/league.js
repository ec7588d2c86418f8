// A league table: sort by a heading, filter, keep the view in the address, save what is shown.
(function () {
  "use strict";
  var table = document.getElementById("league");
  if (!table) { return; }
  var body = table.tBodies[0], rows = Array.prototype.slice.call(body.rows), headings = Array.prototype.slice.call(table.tHead.rows[0].cells);
  var form = document.getElementById("filters"), state = { sort: "", desc: "", text: "", region: "", type: "" };
  function value(row, n, kind) {
    var text = row.cells[n].textContent.trim();
    if (kind === "text") { return text === "" ? null : text; }
    var number = parseFloat(text.replace(/\u2212/g, "-").replace(/[^0-9.+-]/g, ""));
    return isNaN(number) ? null : number;
  }
  function sort(n, desc) {
    var kind = headings[n].dataset.sort;
    headings.forEach(function (h, i) { if (h.dataset.sort) { h.setAttribute("aria-sort", i === n ? (desc ? "descending" : "ascending") : "none"); } });
    rows.map(function (row, place) { return { row: row, value: value(row, n, kind), place: place }; }).sort(function (a, b) {
      if (a.value === null || b.value === null) { return (a.value === null) - (b.value === null) || a.place - b.place; } // what is missing stays last
      var order = kind === "text" ? a.value.localeCompare(b.value) : a.value - b.value;
      return (desc ? -order : order) || a.place - b.place;
    }).forEach(function (s) { body.appendChild(s.row); });
  }
  function filter() {
    var text = state.text.toLowerCase(), shown = 0;
    rows.forEach(function (row) {
      var keep = (!text || row.cells[0].textContent.toLowerCase().indexOf(text) >= 0) && (!state.region || row.dataset.region === state.region) && (!state.type || row.dataset.type === state.type);
      row.hidden = !keep; shown += keep;
    });
    if (form) { document.getElementById("shown").textContent = shown + " of " + rows.length + " councils shown"; }
  }
  function keep() {
    var said = new URLSearchParams();
    Object.keys(state).forEach(function (k) { if (state[k]) { said.set(k, state[k]); } });
    history.replaceState(null, "", said.toString() ? "#" + said : location.pathname + location.search);
  }
  function apply() {
    var said = new URLSearchParams(location.hash.slice(1));
    Object.keys(state).forEach(function (k) { state[k] = said.get(k) || ""; });
    if (form) { document.getElementById("f-text").value = state.text; document.getElementById("f-region").value = state.region; document.getElementById("f-type").value = state.type; }
    var n = headings.findIndex(function (h) { return h.dataset.sort && h.textContent === state.sort; });
    if (n >= 0) { sort(n, state.desc === "1"); }
    filter();
  }
  headings.forEach(function (heading, n) {
    if (!heading.dataset.sort) { return; }
    var button = document.createElement("button");
    button.type = "button"; button.textContent = heading.textContent;
    heading.textContent = ""; heading.appendChild(button);
    heading.setAttribute("aria-sort", "none");
    button.addEventListener("click", function () {
      var desc = heading.getAttribute("aria-sort") === "ascending";
      state.sort = button.textContent; state.desc = desc ? "1" : "";
      sort(n, desc); keep();
    });
  });
  if (form) {
    form.hidden = false;
    [["f-text", "text"], ["f-region", "region"], ["f-type", "type"]].forEach(function (pair) {
      document.getElementById(pair[0]).addEventListener("input", function () { state[pair[1]] = this.value; filter(); keep(); });
    });
    form.addEventListener("submit", function (event) { event.preventDefault(); });
    form.addEventListener("reset", function () { state.text = state.region = state.type = ""; setTimeout(function () { filter(); keep(); }); });
    document.getElementById("save-csv").addEventListener("click", function () {
      var cell = function (text) { if (/^[=+@\t\r-]/.test(text) && !/^[+-][0-9.,]+$/.test(text)) { text = "'" + text; } return /[",\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text; };
      var lines = [["area_code"].concat(headings.map(function (h) { return h.textContent.trim(); })).map(cell).join(",")];
      Array.prototype.forEach.call(body.rows, function (row) {
        if (!row.hidden) { lines.push([row.dataset.key].concat(Array.prototype.map.call(row.cells, function (c) { return c.textContent.trim().replace(/\u2212/g, "-").replace(/\u2013/g, ""); })).map(cell).join(",")); }
      });
      var said = [state.region, state.type, state.text].filter(Boolean).join("_").toLowerCase().replace(/[^a-z0-9_]+/g, "-");
      var page = location.pathname.split("/").pop().replace(".html", "");
      window.saveFile("asc-productivity_" + page + (said ? "_" + said : "") + ".csv", new Blob([lines.join("\n") + "\n"], { type: "text/csv" }));
    });
  }
  addEventListener("hashchange", apply);
  apply();
}());
