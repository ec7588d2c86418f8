// Two to five councils side by side; the address keeps which.
(function () {
  "use strict";
  var data = window.COMPARE, most = 5, form = document.getElementById("compare-form"), add = document.getElementById("add"), said = document.getElementById("compare-said");
  var chosen = [];
  form.hidden = false;
  Object.keys(data.councils).map(function (c) { return data.councils[c].name; }).sort().forEach(function (name) {
    var option = document.createElement("option"); option.value = name; document.getElementById("all").appendChild(option);
  });
  function element(name, text, attributes) {
    var made = document.createElement(name);
    if (text !== undefined) { made.textContent = text; }
    Object.keys(attributes || {}).forEach(function (k) { made.setAttribute(k, attributes[k]); });
    return made;
  }
  function keep() { history.replaceState(null, "", chosen.length ? "#" + chosen.join(",") : location.pathname); }
  function choose(code) {
    if (!data.councils[code] || chosen.indexOf(code) >= 0) { return; }
    if (chosen.length >= most) { said.textContent = "Five is the most: take one away first."; return; }
    chosen.push(code); said.textContent = "";
  }
  function draw() {
    var place = document.getElementById("chosen"), out = document.getElementById("compared");
    place.textContent = ""; out.textContent = "";
    chosen.forEach(function (code) {
      var button = element("button", "Take away " + data.councils[code].name, { type: "button" });
      button.addEventListener("click", function () { chosen.splice(chosen.indexOf(code), 1); keep(); draw(); });
      place.appendChild(button);
    });
    document.getElementById("add-peers").disabled = chosen.length !== 1;
    if (!chosen.length) { out.appendChild(element("p", "Add a council to begin.")); return; }
    var table = element("table"), head = element("tr");
    table.appendChild(element("caption", "Side by side, " + data.year));
    head.appendChild(element("th", "", { scope: "col" })); head.lastChild.appendChild(element("span", "What", { "class": "unseen" }));
    chosen.forEach(function (code) {
      var th = element("th", undefined, { scope: "col", "class": "n" });
      th.appendChild(element("a", data.councils[code].name, { href: window.councilHref(code) })); head.appendChild(th);
    });
    head.appendChild(element("th", "England", { scope: "col", "class": "n" }));
    var thead = element("thead"); thead.appendChild(head); table.appendChild(thead);
    var body = null, group = "";
    data.items.forEach(function (item, n) {
      if (item.group !== group) {
        group = item.group; body = element("tbody"); table.appendChild(body);
        var title = element("tr"); title.appendChild(element("th", group, { scope: "rowgroup", colspan: chosen.length + 2 })); body.appendChild(title);
      }
      var row = element("tr"), name = element("th", item.name, { scope: "row" });
      if (item.better) { name.appendChild(element("span", item.better + " is better", { "class": "dir" })); }
      row.appendChild(name);
      chosen.forEach(function (code) { row.appendChild(element("td", data.councils[code].values[n], { "class": "n" })); });
      row.appendChild(element("td", data.england[n], { "class": "n" }));
      body.appendChild(row);
    });
    var scroll = element("div", undefined, { "class": "scroll", role: "region", tabindex: "0", "aria-label": "Side by side" });
    scroll.appendChild(table); out.appendChild(scroll);
  }
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    var found = window.findCouncils(add.value).filter(function (c) { return data.councils[c.code]; });
    if (!found.length) { said.textContent = "No council of " + data.year + " is called that."; return; }
    choose(found[0].code); add.value = ""; keep(); draw(); add.focus();
  });
  document.getElementById("add-peers").addEventListener("click", function () {
    data.councils[chosen[0]].peers.forEach(choose); keep(); draw();
  });
  function read() { chosen = []; location.hash.slice(1).split(",").forEach(choose); draw(); }
  addEventListener("hashchange", read);
  read();
}());
