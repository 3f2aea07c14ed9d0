// Dark, light, or as the system has it; remembered for this browser.

const NAME = "otlpd.theme";
export type Theme = "system" | "light" | "dark";

export function chosenTheme(): Theme {
  const kept = localStorage.getItem(NAME);
  return kept === "light" || kept === "dark" ? kept : "system";
}

export function applyTheme(theme: Theme = chosenTheme()): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function nextTheme(): Theme {
  const order: readonly Theme[] = ["system", "light", "dark"];
  const next = order[(order.indexOf(chosenTheme()) + 1) % order.length] ?? "system";
  if (next === "system") localStorage.removeItem(NAME);
  else localStorage.setItem(NAME, next);
  applyTheme(next);
  return next;
}
