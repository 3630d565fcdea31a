// @ts-check
import { byId } from "./dom.js";

const STORED = "vivavoce.playground.theme";
const ORDER = ["auto", "light", "dark"];
/** @type {Record<string, [string, string]>} */
const LOOKS = { auto: ["auto", "as the system"], light: ["sun", "light"], dark: ["moon", "dark"] };

/**
 * Let the person choose between light and dark, and remember it.
 * @param {() => void} changed
 */
export function startTheme(changed) {
  const toggle = byId("theme");
  let theme = stored();
  const show = () => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    byId("theme-icon").setAttribute("href", `#i-${LOOKS[theme][0]}`);
    toggle.setAttribute("aria-label", `Theme: ${LOOKS[theme][1]}`);
    toggle.title = `Theme: ${LOOKS[theme][1]}`;
    changed();
  };
  toggle.addEventListener("click", () => {
    theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length];
    try {
      localStorage.setItem(STORED, theme);
    } catch {
      // Then it holds for as long as the page is open.
    }
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  show();
}

function stored() {
  try {
    const theme = localStorage.getItem(STORED) ?? "";
    return ORDER.includes(theme) ? theme : "auto";
  } catch {
    return "auto";
  }
}
