import type { OptionSpec } from '@tp/core'
import { text } from '../arguments/option.ts'
import { pruningOptions } from '../arguments/pruning-options.ts'
import { findMethod, type KnownMethod, loadMethods } from '../plugins/load-methods.ts'
import { table } from '../printing/table.ts'
import { type Command, command } from './command.ts'

export const methodsCommand: Command = command({
  options: {
    method: text('NAME', 'one method alone, with its options and its paper'),
    plugin: pruningOptions.plugin,
  },
  async run(_, { method, plugin = [] }) {
    const catalog = await loadMethods(plugin)
    const one = method === undefined ? undefined : findMethod(catalog, method)
    const known = [...catalog.values()].filter(({ entry }) => one === undefined || entry === one)
    return { content: { methods: known.map(content) }, text: one ? known.map(whole).join('\n') : listed(known) }
  },
})

function content({ entry, from }: KnownMethod): object {
  const { name, family, paper, description, options } = entry
  return { name, family, description, from, ...(paper && { paper }), options }
}

/** A line for each method, by package. */
function listed(known: readonly KnownMethod[]): string {
  const width = Math.max(...known.map(({ entry }) => entry.name.length)) + 2
  const sources = [...new Set(known.map(({ from }) => from))]
  return [
    ...sources.flatMap((source) => [
      source,
      ...known
        .filter(({ from }) => from === source)
        .map(({ entry }) => `  ${entry.name.padEnd(width)}${entry.description}`),
      '',
    ]),
    'tp methods NAME shows the options and the paper of one.',
  ].join('\n')
}

/** All that is known about one. */
function whole({ entry, from }: KnownMethod): string {
  const { name, family, paper, description, options } = entry
  const rows = Object.entries(options).map(([key, spec]) => [`${key}=${valueText(spec)}`, optionText(spec)])
  const address = paper?.arxiv === undefined ? '' : `, https://arxiv.org/abs/${paper.arxiv}`
  return [
    `${name}  ${description}`,
    `${family}, of ${from}`,
    ...(paper === undefined ? [] : [`paper  ${paper.title}${address}`]),
    ...(rows.length === 0 ? ['It has no options.'] : ['', table(['--param', 'meaning'], rows, ['--param', 'meaning'])]),
  ].join('\n')
}

function valueText(spec: OptionSpec): string {
  if (spec.type === 'string') return spec.choices?.join('|') ?? 'TEXT'
  return spec.type === 'boolean' ? 'true|false' : 'NUMBER'
}

function optionText({ description, default: initial }: OptionSpec): string {
  return initial === undefined ? description : `${description} (default ${initial})`
}
