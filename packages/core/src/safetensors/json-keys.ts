/**
 * A key that an object of a JSON text has twice. `JSON.parse` takes the last one and says nothing.
 * @param text valid JSON
 */
export function duplicateKey(text: string): string | undefined {
  /** Keys of the objects that are open; undefined for a list. */
  const open: (Set<string> | undefined)[] = []
  let previous = ''
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/gs)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (token === ':') {
      const key = JSON.parse(previous) as string
      const keys = open.at(-1)
      if (keys?.has(key)) return key
      keys?.add(key)
    }
    previous = token
  }
  return undefined
}
