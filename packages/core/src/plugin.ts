import { TpError } from './errors.ts'
import { contractVersion, type Method } from './method.ts'
import { checkOptions, type OptionSpecs, type OptionValues } from './options.ts'

/** A method as lists and command lines know it: what it is called, what it takes, and how to make one. */
export interface MethodEntry {
  /** `cls-attention` */
  readonly name: string
  readonly family: Method['family']
  readonly paper?: Method['paper']
  /** What it keeps, in one line without a full stop. */
  readonly description: string
  readonly options: OptionSpecs
  /** @throws TpError TP_OPTION for an option that is unknown, of the wrong type, or out of range */
  create(options?: OptionValues): Method
}

/** What a plugin module exports by default. */
export interface Plugin {
  /** The contract it was built for: core's {@link contractVersion} at that time. */
  readonly contractVersion: number
  readonly methods: readonly MethodEntry[]
}

/**
 * The entry of a factory all of whose options have defaults. Options are checked here as well, so that a factory called
 * with values from a command line gets what its type says.
 */
export function methodEntry<Options extends object>(
  create: (options?: Options) => Method,
  description: string,
  options: OptionSpecs = {},
): MethodEntry {
  const { name, family, paper } = create()
  return Object.freeze<MethodEntry>({
    name,
    family,
    ...(paper && { paper }),
    description,
    options,
    create(values = {}) {
      checkOptions(name, options, values)
      return create(values as Options)
    },
  })
}

/**
 * The plugin that a module exports by default.
 * @throws TpError TP_PLUGIN if it is none, or was built for another version of the contract
 */
export function readPlugin(module: unknown, where: string): Plugin {
  const plugin = isRecord(module) ? module.default : undefined
  if (!isRecord(plugin) || !Array.isArray(plugin.methods)) {
    throw problem(where, 'has no default export of the form { contractVersion, methods: [ … ] }')
  }
  if (plugin.contractVersion !== contractVersion) {
    throw problem(
      where,
      `was built for version ${plugin.contractVersion} of the plugin contract, this is version ${contractVersion}; ` +
        'use releases of the plugin and of @tp/core that go together',
    )
  }
  plugin.methods.forEach((entry: unknown, i) => {
    if (!isEntry(entry)) throw problem(where, `methods[${i}] needs name, family, description, options and create`)
  })
  return plugin as unknown as Plugin
}

function isEntry(entry: unknown): boolean {
  return (
    isRecord(entry) &&
    ['name', 'family', 'description'].every((key) => typeof entry[key] === 'string') &&
    isRecord(entry.options) &&
    typeof entry.create === 'function'
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function problem(where: string, message: string): TpError {
  return new TpError('TP_PLUGIN', where, `the module ${message}`)
}
