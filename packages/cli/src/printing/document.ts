/** Version of the form of what `--json` prints; raised when something that is there changes. */
const FORMAT = 1

/** The one document that a command prints with `--json`. */
export function jsonDocument(kind: string, content: object): string {
  return JSON.stringify({ format: FORMAT, kind, ...content }, undefined, 2)
}
