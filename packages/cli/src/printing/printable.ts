/**
 * Text as it may be shown: names and metadata of files can hold anything, also codes that a terminal obeys. All control
 * characters but the line break become `\u001b`, which is what they are in JSON, too.
 * @param styled whether bold, of our own, may pass
 */
export function printable(text: string, styled = false): string {
  return text.replace(styled ? controlsButBold : controls, (found) =>
    found.length > 1 ? found : `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controlsButBold = /\u001b\[(?:1|22)m|[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g
