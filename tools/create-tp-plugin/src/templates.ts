import { readFileSync } from 'node:fs'

/** The kind of a plugin: a pruning method, or a runtime. */
export type PluginKind = 'method' | 'runtime'

/** Texts by path, with slashes. */
export type PluginFiles = Readonly<Record<string, string>>

/** The files of a template: `tools/example-plugin` and `tools/example-runtime` of the repository, which its tests build and run. */
export function templateOf(kind: PluginKind): PluginFiles {
  const templates: unknown = JSON.parse(readFileSync(new URL('templates.json', import.meta.url), 'utf8'))
  return (templates as Readonly<Record<PluginKind, PluginFiles>>)[kind]
}
