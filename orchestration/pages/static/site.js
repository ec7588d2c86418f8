// On every page: the finder, saving pictures, and marks in pictures that lead to a council. All of it is extra; pages are whole without.
(function () {
  "use strict";
  var root = document.body.dataset.root || "";
  var known = window.COUNCILS || { councils: [], generic: [], joined: {} };

  // ── names, as `asc` takes them: no capitals, accents or punctuation, & as and, "City Council" or not ──
  function words(name) {
    var plain = name.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/&/g, " and ").replace(/['\u2019.]/g, "");
    return (plain.match(/[a-z0-9]+/g) || []).map(function (w) { return known.joined[w] || w; });
  }
  function telling(name) {
    var kept = words(name).filter(function (w) { return known.generic.indexOf(w) < 0; });
    return kept.length ? kept : words(name);
  }
  var entries = known.councils.map(function (c) {
    return { council: c, names: [c.name].concat(c.other).map(function (n) { return telling(n).join(" "); }), region: words(c.region).join(" "), codes: c.codes.join(" ").toLowerCase() };
  });
  function score(entry, asked, typed) {
    if (entry.codes.split(" ").indexOf(typed) >= 0) { return 0; }
    var best = 9;
    entry.names.forEach(function (name, n) {
      var s = name === asked ? 1 : name.indexOf(asked) === 0 ? 2 : (" " + name).indexOf(" " + asked) >= 0 ? 3 : name.indexOf(asked) >= 0 && asked.length > 2 ? 5 : 9;
      best = Math.min(best, s + (n ? 0.5 : 0));
    });
    if (best > 4 && typed.length > 2 && (entry.region.indexOf(typed) === 0 || entry.codes.indexOf(typed) >= 0)) { best = 4; }
    return best + (entry.council.ended && best > 1.5 ? 0.2 : 0);
  }
  function nearly(a, b) { // letters to change to make one of the other, for typing errors
    var row = [], i, j;
    for (j = 0; j <= b.length; j += 1) { row[j] = j; }
    for (i = 1; i <= a.length; i += 1) {
      var before = row[0]; row[0] = i;
      for (j = 1; j <= b.length; j += 1) {
        var kept = row[j];
        row[j] = Math.min(row[j] + 1, row[j - 1] + 1, before + (a[i - 1] === b[j - 1] ? 0 : 1));
        before = kept;
      }
    }
    return row[b.length];
  }
  function find(typedName) {
    var asked = telling(typedName).join(" "), typed = words(typedName).join(" ");
    if (!asked) { return []; }
    var scored = entries.map(function (e) { return { entry: e, score: score(e, asked, typed) }; }).filter(function (f) { return f.score < 9; });
    if (!scored.length && asked.length > 3) {
      scored = entries.map(function (e) {
        var far = Math.min.apply(null, e.names.map(function (n) { return nearly(asked, n.slice(0, Math.max(asked.length, n.length))); }));
        return { entry: e, score: far };
      }).filter(function (f) { return f.score <= Math.max(1, Math.floor(asked.length / 4)); });
    }
    scored.sort(function (a, b) { return a.score - b.score || a.entry.council.name.localeCompare(b.entry.council.name); });
    return scored.map(function (f) { return f.entry.council; });
  }
  window.findCouncils = find;
  window.councilHref = function (code) { return root + "councils/" + code + ".html"; };

  var form = document.querySelector(".finder");
  if (form) {
    var input = form.querySelector("input"), list = form.querySelector("ul"), said = document.getElementById("found-count"), chosen = -1, found = [];
    form.hidden = false;
    var mark = function (n) {
      chosen = n;
      Array.prototype.forEach.call(list.children, function (li, i) { li.setAttribute("aria-selected", i === n ? "true" : "false"); });
      if (n >= 0) { input.setAttribute("aria-activedescendant", "found-" + n); list.children[n].scrollIntoView({ block: "nearest" }); } else { input.removeAttribute("aria-activedescendant"); }
    };
    var close = function () { list.hidden = true; input.setAttribute("aria-expanded", "false"); mark(-1); };
    var open = function (council) { location.href = window.councilHref(council.code); };
    input.addEventListener("input", function () {
      found = find(input.value).slice(0, 12);
      list.textContent = "";
      found.forEach(function (c, n) {
        var li = document.createElement("li"), small = document.createElement("small");
        li.id = "found-" + n; li.setAttribute("role", "option"); li.setAttribute("aria-selected", "false");
        li.textContent = c.name + " ";
        small.textContent = c.region + (c.ended ? ", no longer a council" : "");
        li.appendChild(small);
        li.addEventListener("mousedown", function (event) { event.preventDefault(); open(c); });
        list.appendChild(li);
      });
      said.textContent = input.value ? (found.length ? found.length + " found" : "No council found") : "";
      list.hidden = !found.length; input.setAttribute("aria-expanded", found.length ? "true" : "false"); mark(-1);
    });
    input.addEventListener("keydown", function (event) {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (found.length) { mark((chosen + (event.key === "ArrowDown" ? 1 : found.length + (chosen < 0 ? 0 : -1)) + found.length) % found.length); }
      } else if (event.key === "Escape") { close(); }
    });
    input.addEventListener("blur", close);
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      if (found.length) { open(found[Math.max(0, chosen)]); } else if (input.value) { said.classList.remove("unseen"); said.textContent = "No council found"; }
    });
  }

  // ── pictures: marks lead to councils, and each picture can be saved ──
  var pageOf = {};
  known.councils.forEach(function (c) { c.codes.forEach(function (code) { pageOf[code] = c.code; }); });
  document.addEventListener("click", function (event) {
    var mark = event.target.closest && event.target.closest("svg [data-code]");
    if (mark && pageOf[mark.dataset.code]) { location.href = window.councilHref(pageOf[mark.dataset.code]); }
  });
  var styled = ["fill", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "font-size", "font-weight", "font-style", "font-family"];
  function standalone(svg) { // with its looks in itself, on white or on the page's dark
    var copy = svg.cloneNode(true), from = svg.querySelectorAll("*"), to = copy.querySelectorAll("*"), box = svg.viewBox.baseVal;
    Array.prototype.forEach.call(to, function (node, n) {
      var looks = getComputedStyle(from[n]);
      styled.forEach(function (name) { node.style.setProperty(name, looks.getPropertyValue(name)); });
      node.removeAttribute("class"); node.removeAttribute("data-code");
    });
    var paper = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    paper.setAttribute("width", box.width); paper.setAttribute("height", box.height); paper.setAttribute("fill", getComputedStyle(document.body).backgroundColor);
    copy.insertBefore(paper, copy.firstChild);
    copy.setAttribute("width", box.width); copy.setAttribute("height", box.height);
    return new XMLSerializer().serializeToString(copy);
  }
  function save(name, blob) {
    var link = document.createElement("a");
    link.href = URL.createObjectURL(blob); link.download = name; link.click();
    setTimeout(function () { URL.revokeObjectURL(link.href); }, 1000);
  }
  window.saveFile = save;
  function fileName(title) { return "asc-productivity_" + title.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 80); }
  Array.prototype.forEach.call(document.querySelectorAll("figure.picture"), function (figure) {
    var svg = figure.querySelector(".drawing svg"), title = figure.querySelector("figcaption").textContent, bar = document.createElement("div");
    bar.className = "save";
    [["SVG", function () { save(fileName(title) + ".svg", new Blob([standalone(svg)], { type: "image/svg+xml" })); }],
     ["PNG", function () {
       var box = svg.viewBox.baseVal, image = new Image(), canvas = document.createElement("canvas");
       canvas.width = box.width * 2; canvas.height = box.height * 2;
       image.onload = function () { canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height); canvas.toBlob(function (blob) { save(fileName(title) + ".png", blob); }); };
       image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(standalone(svg));
     }]].forEach(function (kind) {
      var button = document.createElement("button"), unseen = document.createElement("span");
      button.type = "button"; button.textContent = "Save as " + kind[0]; unseen.className = "unseen"; unseen.textContent = ": " + title;
      button.appendChild(unseen); button.addEventListener("click", kind[1]); bar.appendChild(button);
    });
    figure.appendChild(bar);
  });
  // links among years and definitions keep sort and filter
  Array.prototype.forEach.call(document.querySelectorAll("a[data-keeps-view]"), function (link) {
    link.addEventListener("click", function () { link.hash = location.hash; });
  });
}());
