// Applies the chosen theme before anything is painted; a plain script, because a module comes too late.
(() => {
  const key = "theme";
  const dark = matchMedia("(prefers-color-scheme: dark)");

  const chosen = () => {
    const kept = localStorage.getItem(key);
    return kept === "light" || kept === "dark" ? kept : "auto";
  };

  const apply = () => {
    const theme = chosen();
    const shown = theme === "auto" ? (dark.matches ? "dark" : "light") : theme;
    document.documentElement.dataset.bsTheme = shown;
    for (const choice of document.querySelectorAll('[data-module~="theme"] [data-theme-choice]')) {
      choice.checked = choice.value === theme;
    }
  };

  apply();
  dark.addEventListener("change", apply);
  addEventListener("storage", apply); // chosen in another tab
  addEventListener("DOMContentLoaded", apply); // now the choices are there to be marked
  addEventListener("change", ({ target }) => {
    if (target.matches("[data-theme-choice]")) {
      localStorage.setItem(key, target.value);
      apply();
    }
  });
})();
