"use strict";
(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const themes = ["auto", "light", "dark"];
  const remembered = () => { try { return localStorage.getItem("wgu-theme"); } catch { return null; } };
  const show = (theme) => {
    if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
    button.textContent = "Theme: " + theme;
  };
  let theme = themes.includes(remembered()) ? remembered() : "auto";
  show(theme);
  button.hidden = false;
  button.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    show(theme);
    try { localStorage.setItem("wgu-theme", theme); } catch { /* a file may have no storage */ }
  });

  // The titles of the drawings, at once and on touch as well. Taken out of the tree while shown, or the browser shows its own on top.
  const hint = document.getElementById("hint");
  let title = null, owner = null;
  const hide = () => { if (owner) owner.append(title); title = owner = null; hint.hidden = true; };
  document.addEventListener("pointerover", (event) => {
    const found = event.target.closest(".touch");
    if (found === owner) return;
    hide();
    if (!found) return;
    owner = found;
    title = found.querySelector("title");
    if (!title) { owner = null; return; }
    hint.textContent = title.textContent;
    title.remove();
    hint.hidden = false;
    const at = found.getBoundingClientRect(), size = hint.getBoundingClientRect();
    const x = found.tagName === "circle" ? at.x + at.width / 2 : event.clientX;
    hint.style.left = Math.max(8, Math.min(x - size.width / 2, root.clientWidth - size.width - 8)) + "px";
    hint.style.top = (at.y - size.height - 6 > 0 ? at.y - size.height - 6 : at.bottom + 6) + "px";
  });
  document.addEventListener("scroll", hide, { passive: true, capture: true });

  // What is folded away on the screen belongs on paper.
  let opened = [];
  addEventListener("beforeprint", () => {
    hide();
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const each of opened) each.open = true;
  });
  addEventListener("afterprint", () => { for (const each of opened) each.open = false; });
})();
