// The filters of the error browser. Without this script all sentences are listed.
(function () {
  "use strict";
  var list = document.getElementById("rows");
  if (!list) return;
  document.documentElement.classList.add("scripts");
  var PAGE = 50;
  var rows = Array.prototype.slice.call(list.children);
  var one = function (id) { return document.getElementById(id); };
  var label = one("by-label"), kind = one("by-kind"), source = one("by-source"), words = one("by-text");
  var chosen = rows, page = 0, shown = [];

  // Spellings that readers take for the same are the same to the search.
  function folded(text) {
    return text.toLowerCase()
      .replace(/[\u064B-\u065F\u0670\u0640\u200C-\u200F]/g, "")
      .replace(/[\u0623\u0625\u0622\u0671]/g, "\u0627")
      .replace(/[\u0649\u06CC]/g, "\u064A")
      .replace(/\u06A9/g, "\u0643")
      .replace(/\u0629/g, "\u0647");
  }
  function textOf(row) {
    if (row.folded === undefined) {
      row.folded = folded(row.querySelector(".text").textContent + " " + row.querySelector(".id").textContent);
    }
    return row.folded;
  }
  function choose() {
    var wanted = words.value.trim() === "" ? [] : folded(words.value).split(/\s+/).filter(Boolean);
    chosen = rows.filter(function (row) {
      if (source && source.value !== "" && row.dataset.s !== source.value) return false;
      if (label.value !== "" || kind.value !== "") {
        var found = row.dataset.e.split(" ").some(function (sign) {
          return (label.value === "" || sign.slice(0, -1) === label.value) &&
            (kind.value === "" || sign.slice(-1) === kind.value);
        });
        if (!found) return false;
      }
      if (wanted.length === 0) return true;
      var text = textOf(row);
      return wanted.every(function (word) { return text.indexOf(word) >= 0; });
    });
    page = 0;
    show();
  }
  function show() {
    shown.forEach(function (row) { row.classList.remove("on"); });
    shown = chosen.slice(page * PAGE, (page + 1) * PAGE);
    shown.forEach(function (row) { row.classList.add("on"); });
    var pages = Math.max(1, Math.ceil(chosen.length / PAGE));
    var range = chosen.length > PAGE ? "; shown are " + (page * PAGE + 1) + " to " + (page * PAGE + shown.length) : "";
    one("count").textContent = chosen.length + " of " + rows.length + (rows.length === 1 ? " sentence" : " sentences") + range;
    one("page").textContent = "Page " + (page + 1) + " of " + pages;
    one("previous").disabled = page === 0;
    one("next").disabled = page + 1 >= pages;
  }
  function turn(by) {
    page += by;
    show();
    one("errors").scrollIntoView();
  }
  var waiting = null;
  words.addEventListener("input", function () {
    clearTimeout(waiting);
    waiting = setTimeout(choose, 120);
  });
  [label, kind, source].forEach(function (select) {
    if (select) select.addEventListener("change", choose);
  });
  one("filters").addEventListener("submit", function (event) { event.preventDefault(); choose(); });
  one("filters").addEventListener("reset", function () { setTimeout(choose, 0); });
  one("previous").addEventListener("click", function () { turn(-1); });
  one("next").addEventListener("click", function () { turn(1); });
  choose();
})();
