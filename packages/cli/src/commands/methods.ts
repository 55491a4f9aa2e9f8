import type { OptionSpec } from '@tp/core'
import { pruningOptions } from '../arguments/pruning-options.ts'
import { type KnownMethod, loadMethods } from '../plugins/load-methods.ts'
import { table } from '../printing/table.ts'
import { type Command, command } from './command.ts'

export const methodsCommand: Command = command({
  options: { plugin: pruningOptions.plugin },
  async run(_, { plugin = [] }) {
    const known = [...(await loadMethods(plugin)).values()]
    return { content: { methods: known.map(content) }, text: describe(known) }
  },
})

function content({ entry, from }: KnownMethod): object {
  const { name, family, paper, description, options } = entry
  return { name, family, description, from, ...(paper && { paper }), options }
}

function describe(known: readonly KnownMethod[]): string {
  const rows = known.map(({ entry, from }) => [entry.name, entry.family, entry.description, from])
  const options = known.flatMap(({ entry }) =>
    Object.entries(entry.options).map(([name, spec]) => [entry.name, `${name}=${valueText(spec)}`, optionText(spec)]),
  )
  return [
    table(['method', 'family', 'what it does', 'from'], rows, ['method', 'family', 'what it does', 'from']),
    ...(options.length === 0
      ? []
      : ['', table(['method', '--param', 'meaning'], options, ['method', '--param', 'meaning'])]),
  ].join('\n')
}

function valueText(spec: OptionSpec): string {
  if (spec.type === 'string') return spec.choices?.join('|') ?? 'TEXT'
  return spec.type === 'boolean' ? 'true|false' : 'NUMBER'
}

function optionText({ description, default: initial }: OptionSpec): string {
  return initial === undefined ? description : `${description} (default ${initial})`
}
