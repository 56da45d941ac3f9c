// Runs before the first paint, so that a chosen theme or language never flashes.
(() => {
  const root = document.documentElement;
  const read = (key) => {
    try { return localStorage.getItem(key); } catch { return null; }
  };
  const theme = read("floatcard.theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  const asked = new URLSearchParams(location.search).get("lang");
  const preferred = (navigator.languages || []).some((tag) => /^zh\b/i.test(tag)) ? "zh-CN" : "en";
  const locale = [asked, read("floatcard.locale"), preferred].find((tag) => tag === "en" || tag === "zh-CN");
  root.lang = locale;
})();
