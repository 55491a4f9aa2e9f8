/** Exports of an entry point that serve one purpose. */
export interface Section {
  readonly title: string
  /** Their purpose. */
  readonly sentence: string
  readonly names: ReadonlySet<string>
}

/**
 * The sections of an entry point. A comment `// Title: a sentence.` with an empty line below begins one, which ends at the next.
 * @param text of its index file
 */
export function sectionsOf(text: string): Section[] {
  const found = text.matchAll(/^\/\/ ([A-Z][a-z ]+): ((?:.*\n\/\/ )*.*)\n\n([\s\S]*?)(?=^\/\/ |(?![\s\S]))/gm)
  return [...found].flatMap(([, title = '', sentence = '', code = '']) => {
    const names = exported(code)
    return names.size === 0 ? [] : [{ title, sentence: sentence.replaceAll('\n// ', ' '), names }]
  })
}

function exported(code: string): Set<string> {
  const lists = [...code.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].map(([, list]) => list as string)
  const listed = lists.flatMap((list) => list.match(/\w+(?=\s*(?:,|$))/g) ?? [])
  const declared = [...code.matchAll(/^export (?:const|function|class|interface|type) (\w+)/gm)]
  return new Set([...listed, ...declared.map(([, name]) => name as string)])
}
