// First script of the page: chooses the theme before anything is painted, then starts the module.
// A file of its own because the content security policy allows no inline script.
import init from "/assets/__LOADER__";

const root = document.documentElement;
const media = matchMedia("(prefers-color-scheme: light)");

function chosen() {
  // Storage may be forbidden; the system's preference still counts then.
  try { return localStorage.getItem("firstfault.theme"); } catch { return null; }
}

function apply() {
  const theme = chosen();
  const known = theme === "light" || theme === "dark";
  root.dataset.theme = known ? theme : media.matches ? "light" : "dark";
}

apply();
media.addEventListener("change", apply);

init({ module_or_path: "/assets/__WASM__" }).catch((error) => {
  const text = document.createElement("p");
  text.className = "msg";
  text.setAttribute("role", "alert");
  text.textContent = `Firstfault could not start in this browser: ${error}. Reload the page; an update of the server may have replaced its files.`;
  document.body.append(text);
});
