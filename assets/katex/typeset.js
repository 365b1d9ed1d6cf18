/* What Python calls: KaTeX's markup of a formula, or its complaint. */
function typeset(tex, displayMode, macros) {
  try {
    const options = { displayMode, macros, strict: "error", throwOnError: true, output: "htmlAndMathml" };
    return [katex.renderToString(tex, options), ""];
  } catch (error) {
    if (error instanceof katex.ParseError) return ["", error.message];
    throw error;
  }
}
