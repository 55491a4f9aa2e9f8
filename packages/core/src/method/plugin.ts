import { asError, isTpError, TpError } from '../errors.ts'
import { callMethod } from '../host/call-method.ts'
import { isRecord } from '../is-record.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { sequence } from './combinators.ts'
import { contractVersion, type Method } from './method.ts'
import { checkOptions, type OptionSpecs, type OptionValues } from './options.ts'
import { type Recipe, recipeLayers } from './recipe.ts'

/** A method as listings and the command line need it: its name, its options, and how to make one. */
export interface MethodEntry {
  /** `cls-attention` */
  readonly name: string
  readonly family: Method['family']
  readonly paper?: Method['paper']
  /** The tokens that it keeps, in one line without a full stop. */
  readonly description: string
  readonly options: OptionSpecs
  /** Ways to use it that are worth trying, by kind of model. Without any, `optimize` tries it on every model in the usual layers. */
  readonly recipes?: readonly Recipe[]
  /** @throws TpError TP_OPTION for an option that is unknown, of the wrong type, or out of range */
  create(options?: OptionValues): Method
}

/**
 * The default export of a module with methods.
 *
 *     const plugin: Plugin = { contractVersion: 1, methods: [methodEntry(loudest, 'keeps the loudest tokens')] }
 */
export interface Plugin {
  /**
   * The contract that it was built for, as a number: core's {@link contractVersion} at that time. If it were imported, it would
   * always equal that of the installed core. Against another contract the number does not compile.
   */
  readonly contractVersion: typeof contractVersion
  readonly methods: readonly MethodEntry[]
}

/** The default export of a module with a runtime. One module may hold both: `{ contractVersion, methods, runtime }`. */
export interface RuntimePlugin {
  /** As in {@link Plugin}. */
  readonly contractVersion: typeof contractVersion
  /** Made without loading its engine: `load` and `diagnose` do that. */
  readonly runtime: Runtime
}

/**
 * The entry of a factory all of whose options have defaults. Options are checked here as well, so that values from a
 * command line have the types that the factory declares.
 */
export function methodEntry<Options extends object>(
  create: (options?: Options) => Method,
  description: string,
  options: OptionSpecs = {},
  recipes: readonly Recipe[] = [],
): MethodEntry {
  const { name, family, paper } = create()
  return Object.freeze<MethodEntry>({
    name,
    family,
    ...(paper && { paper }),
    description,
    options,
    ...(recipes.length > 0 && { recipes }),
    create(values = {}) {
      checkOptions(name, options, values)
      return callMethod(name, 'its factory', () => create(values as Options))
    },
  })
}

/**
 * The entry of a method by its name, or of one that acts after another (`sequence`): `thin-padding+stride`, which has the options of
 * both. undefined: there is none.
 * @throws TpError TP_OPTION for one method twice, and for two with an option of the same name
 */
export function findEntry(entries: readonly MethodEntry[], name: string): MethodEntry | undefined {
  const known = entries.find((entry) => entry.name === name)
  const [first, ...rest] = name.split('+')
  if (known !== undefined || rest.length === 0) return known
  const before = entries.find((entry) => entry.name === first)
  const second = findEntry(entries, rest.join('+'))
  return before && second && entryOfSequence(name, before, second)
}

function entryOfSequence(name: string, first: MethodEntry, second: MethodEntry): MethodEntry {
  if (first === second) throw new TpError('TP_OPTION', 'core', `${name}: a method acts once; name it once`)
  const shared = Object.keys(first.options).find((option) => Object.hasOwn(second.options, option))
  if (shared !== undefined) {
    throw new TpError('TP_OPTION', 'core', `${name}: both have an option ${shared}; make the two in code, by sequence`)
  }
  const options = { ...first.options, ...second.options }
  const own = (entry: MethodEntry, values: OptionValues): OptionValues =>
    Object.fromEntries(Object.entries(values).filter(([option]) => Object.hasOwn(entry.options, option)))
  return Object.freeze<MethodEntry>({
    name,
    family: second.family,
    ...(second.paper && { paper: second.paper }),
    description: `${first.description}; then ${second.description}`,
    options,
    create(values = {}) {
      checkOptions(name, options, values)
      return sequence(first.create(own(first, values)), second.create(own(second, values)))
    },
  })
}

/**
 * The methods that a module exports by default.
 * @throws TpError TP_PLUGIN if it exports none, or was built for another version of the contract
 */
export function readPlugin(module: unknown, where: string): Plugin {
  return reading(where, () => {
    const plugin = readDefault(module, where, 'methods: [ … ]')
    if (!Array.isArray(plugin.methods)) throw noExport(where, 'methods: [ … ]')
    plugin.methods.forEach((entry: unknown, i) => {
      if (isMethod(entry)) {
        throw problem(
          where,
          `methods[${i}] is the method "${entry.name}" itself; give methodEntry(factory, 'what it keeps')`,
        )
      }
      if (!isEntry(entry)) throw problem(where, `methods[${i}] requires name, family, description, options and create`)
      requireRecipes(entry, where)
    })
    return plugin as unknown as Plugin
  })
}

/**
 * The runtime that a module exports by default.
 * @throws TpError TP_PLUGIN if it exports none, or was built for another version of the contract
 */
export function readRuntimePlugin(module: unknown, where: string): RuntimePlugin {
  return reading(where, () => {
    const plugin = readDefault(module, where, 'runtime')
    if (!isRecord(plugin.runtime)) throw noExport(where, 'runtime')
    const { name, load, diagnose } = plugin.runtime
    if (typeof name !== 'string' || typeof load !== 'function' || typeof diagnose !== 'function') {
      throw problem(where, 'exports a runtime that lacks name, load or diagnose')
    }
    return plugin as unknown as RuntimePlugin
  })
}

/** An export may be anything: a proxy, or an object with getters. */
function reading<T>(where: string, read: () => T): T {
  try {
    return read()
  } catch (thrown) {
    const cause = asError(thrown)
    if (isTpError(cause)) throw cause
    throw new TpError('TP_PLUGIN', where, `its default export throws when it is read: ${cause.message}`, { cause })
  }
}

/** The version is checked first: nothing else is known of a future contract. */
function readDefault(module: unknown, where: string, holds: string): Record<string, unknown> {
  const plugin =
    isRecord(module) || typeof module === 'function' ? (module as { default?: unknown }).default : undefined
  const form = `{ contractVersion: ${contractVersion}, ${holds} }`
  if (isMethod(plugin)) {
    const advice = `wrap it: ${form} with methodEntry(factory, 'what it keeps')`
    throw problem(where, `exports the method "${plugin.name}" by default, and not a plugin; ${advice}`)
  }
  if (typeof plugin === 'function') {
    const name = plugin.name === '' || plugin.name === 'default' ? 'a function' : `the function ${plugin.name}`
    throw problem(where, `exports ${name} by default, and not a plugin of the form ${form}`)
  }
  if (!isRecord(plugin)) throw noExport(where, holds)
  const version = plugin.contractVersion
  if (version === undefined) {
    throw problem(where, `exports a plugin without contractVersion; it must be the number ${contractVersion}`)
  }
  if (typeof version !== 'number') {
    const seen = typeof version === 'string' ? `the text '${version}'` : String(version)
    throw problem(where, `has ${seen} as contractVersion; it must be a number, ${contractVersion}`)
  }
  if (version !== contractVersion) {
    const advice = version > contractVersion ? 'update the @tp packages' : 'a newer release of the plugin is needed'
    throw problem(
      where,
      `was built for version ${version} of the plugin contract, this is version ${contractVersion}; ${advice}`,
    )
  }
  return plugin
}

function isMethod(value: unknown): value is { readonly name: string } {
  return (
    isRecord(value) &&
    typeof value.reduce === 'function' &&
    typeof value.name === 'string' &&
    value.create === undefined
  )
}

function noExport(where: string, holds: string): TpError {
  return problem(where, `has no default export of the form { contractVersion, ${holds} }`)
}

/** @throws TpError TP_PLUGIN for recipes of another form */
function requireRecipes({ name, recipes = [] }: MethodEntry, where: string): void {
  const isWords = (value: unknown): boolean => Array.isArray(value) && value.every((word) => typeof word === 'string')
  const isRecipe = (value: unknown): boolean =>
    isRecord(value) &&
    isWords(value.inputs) &&
    isWords(value.answers) &&
    isWords(value.layers ?? []) &&
    [undefined, 'fixed'].includes(value.length as undefined) &&
    typeof value.evidence === 'string'
  if (!Array.isArray(recipes) || !recipes.every(isRecipe))
    throw problem(
      where,
      `gives recipes of ${name} that lack inputs, answers or evidence, or have another length than fixed`,
    )
  for (const { layers = [] } of recipes as readonly Recipe[]) {
    const unknown = layers.find((word) => !recipeLayers.includes(word))
    if (unknown !== undefined)
      throw problem(where, `gives a recipe of ${name} for layers "${unknown}"; there are ${recipeLayers.join(', ')}`)
  }
}

function isEntry(entry: unknown): entry is MethodEntry {
  return (
    isRecord(entry) &&
    ['name', 'family', 'description'].every((key) => typeof entry[key] === 'string') &&
    isRecord(entry.options) &&
    typeof entry.create === 'function'
  )
}

function problem(where: string, message: string): TpError {
  return new TpError('TP_PLUGIN', where, `the module ${message}`)
}
