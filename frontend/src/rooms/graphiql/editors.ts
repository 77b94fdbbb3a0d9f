/** Monaco in our type and colours; GraphiQL has no setting for either. */
import { editor } from "monaco-graphql/esm/monaco-editor.js";

export const EDITOR_THEME = { dark: "oms-dark", light: "oms-light" };

interface Palette {
  base: "vs" | "vs-dark";
  text: string;
  soft: string;
  faint: string;
  name: string;
  value: string;
  surface: string;
  raised: string;
  line: string;
}

function rule(token: string, colour: string): editor.ITokenThemeRule {
  return { token, foreground: colour.slice(1) };
}

function define(name: string, palette: Palette): void {
  const { base, text, soft, faint, name: typeName, value, surface, raised, line } = palette;
  editor.defineTheme(name, {
    base,
    inherit: true,
    rules: [
      rule("keyword", typeName),
      rule("type.identifier", typeName),
      rule("key.identifier", text),
      rule("argument.identifier", soft),
      rule("identifier", text),
      rule("comment", faint),
      rule("string", value),
      rule("number", value),
      rule("delimiter", soft),
      rule("string.key.json", text),
      rule("string.value.json", value),
      rule("keyword.json", value),
      rule("delimiter.bracket.json", soft),
    ],
    colors: {
      "editor.background": "#ffffff00",
      "editor.foreground": text,
      "editorLineNumber.foreground": faint,
      "editorLineNumber.activeForeground": soft,
      "editorIndentGuide.background1": line,
      "editorIndentGuide.activeBackground1": line,
      "editorBracketHighlight.foreground1": soft,
      "editorBracketHighlight.foreground2": soft,
      "editorBracketHighlight.foreground3": soft,
      "editorWidget.background": surface,
      "editorWidget.border": line,
      "editorHoverWidget.background": surface,
      "editorHoverWidget.border": line,
      "editorSuggestWidget.background": surface,
      "editorSuggestWidget.border": line,
      "editorSuggestWidget.selectedBackground": raised,
      "editorSuggestWidget.selectedForeground": text,
      "editorSuggestWidget.highlightForeground": typeName,
      "editorSuggestWidget.focusHighlightForeground": typeName,
      "list.hoverBackground": raised,
      "input.background": raised,
      "quickInput.background": surface,
      "menu.background": surface,
      "menu.selectionBackground": raised,
      "scrollbar.shadow": "#00000000",
      focusBorder: typeName,
    },
  });
}

const FONT = { fontFamily: '"IBM Plex Mono", monospace', fontSize: 13, lineHeight: 20 };

/** Defines the themes and gives each editor our type; call before GraphiQL renders. */
export function prepareEditors(): void {
  define(EDITOR_THEME.dark, {
    base: "vs-dark",
    text: "#dfe5ec",
    soft: "#9aa7b5",
    faint: "#6d7a89",
    name: "#62b0ff",
    value: "#ff9a4d",
    surface: "#10141a",
    raised: "#171d25",
    line: "#1f2731",
  });
  define(EDITOR_THEME.light, {
    base: "vs",
    text: "#151a21",
    soft: "#4c5866",
    faint: "#7b8794",
    name: "#0b5cc0",
    value: "#b04a00",
    surface: "#ffffff",
    raised: "#eef1f4",
    line: "#e1e6eb",
  });
  editor.onDidCreateEditor((created) => created.updateOptions(FONT));
  // Monaco measures a letter once: with the font's stand-in when it is not there yet.
  void document.fonts.load('13px "IBM Plex Mono"').then(() => editor.remeasureFonts());
}
