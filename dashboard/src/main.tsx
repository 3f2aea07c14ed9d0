import { render } from "preact";
import { App } from "./app";
import "./styles/page.css";
import "./styles/parts.css";
import "./styles/views.css";
import { applyTheme } from "./theme";

applyTheme();
const place = document.getElementById("page");
if (place) render(<App />, place);
