import { TpError } from '@tp/core'
import type { PluginFiles, PluginKind } from './templates.ts'

/** The names of a plugin in its files. */
export interface PluginName {
  /** Of the package: `@you/tp-loud-tokens`. */
  readonly package: string
  /** Of its folder: `tp-loud-tokens`. */
  readonly folder: string
  /** Of the method or the runtime: `loud-tokens`. */
  readonly short: string
}

const longest = 214 // of npm

/** @throws TpError TP_NAME */
export function readName(text: string, kind: PluginKind): PluginName {
  const [, folder = ''] = /^(?:@[a-z0-9][a-z0-9-]*\/)?([a-z0-9-]+)$/.exec(text) ?? []
  const ends = new RegExp(`^tp-|^plugin-|^${kind}-|-${kind}$|-plugin$`)
  let short = folder
  while (ends.test(short)) short = short.replace(ends, '')
  if (
    !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(short) ||
    /^(tp|plugin|method|runtime)$/.test(short) ||
    text.length > longest
  )
    throw problem(
      text,
      'it must be a package name of small letters, digits and hyphens that says something, as tp-loudest or @you/tp-loudest',
    )
  return { package: text, folder, short }
}

/**
 * The template under another name.
 * @throws TpError TP_NAME for a name that JavaScript or the template has taken
 */
export function rename(files: PluginFiles, kind: PluginKind, name: PluginName): PluginFiles {
  const camel = name.short.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
  const pascal = `${camel.charAt(0).toUpperCase()}${camel.slice(1)}`
  // The package first: its name has others in it.
  const words: readonly (readonly [from: string, to: string])[] =
    kind === 'method'
      ? [
          ['tp-example-plugin', name.package],
          ['norm-times-attention', name.short],
          ['normTimesAttention', camel],
          ['NormTimesAttention', pascal],
        ]
      : [
          ['tp-example-runtime', name.package],
          ['example-runtime', `${name.short}-runtime`],
          ['exampleRuntime', `${camel}Runtime`],
          ["'example'", `'${name.short}'`],
          ['`example: ', `\`${name.short}: `],
        ]
  const identifier = kind === 'method' ? camel : `${camel}Runtime`
  if (isReserved(identifier) || identifiersOf(files).has(identifier))
    throw problem(name.package, `its function would be called ${identifier}, which is taken; choose another`)
  const renamed = (text: string): string => words.reduce((text, [from, to]) => text.replaceAll(from, to), text)
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [renamed(path), renamed(text)]))
}

/** Words that no function of a module can be called. */
function isReserved(word: string): boolean {
  try {
    new Function(`'use strict'; const ${word} = 0`)
    return /^(await|undefined)$/.test(word)
  } catch {
    return true
  }
}

/** Names in the sources of a template, of whatever kind: a function of the same name would hide one, or be hidden. */
function identifiersOf(files: PluginFiles): Set<string> {
  const sources = Object.entries(files).filter(([path]) => path.endsWith('.ts'))
  const code = sources.map(([, text]) => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*|'[^'\n]*'/g, ' '))
  return new Set(code.flatMap((text) => text.match(/[A-Za-z_$][\w$]*/g) ?? []))
}

function problem(name: string, message: string): TpError {
  return new TpError('TP_NAME', 'create-tp-plugin', `the name is "${name}"; ${message}`)
}
