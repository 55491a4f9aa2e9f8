import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { toJsonSchema } from '@valibot/to-json-schema'
import { root } from '../check/workspace.mjs'
import { markdownTable } from './markdown-table.mjs'

/**
 * @typedef {{ schema: Parameters<typeof toJsonSchema>[0], description: string, form: string, default?: unknown,
 *   needs?: readonly string[], excludes?: readonly string[], fields?: Fields, written?: object }} Field
 * @typedef {Readonly<Record<string, Field>>} Fields
 * @typedef {Record<string, unknown>} JsonSchema
 */

/** @returns {Promise<{ planFields: Fields, fallbackRule: Field['schema'] }>} what the built compiler says of plans */
export async function planModules() {
  /** @param {string} file */
  const load = (file) => import(pathToFileURL(join(root, 'packages/compiler/dist/plan', file)).href)
  const [{ planFields }, { fallbackRule }] = await Promise.all([load('plan.js'), load('read-plan.js')])
  return { planFields, fallbackRule }
}

/** JSON Schema of a plan, and of a plan with regimes. @param {Awaited<ReturnType<typeof planModules>>} modules */
export function planSchema({ planFields, fallbackRule }) {
  const plan = { $ref: '#/$defs/plan' }
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Plan of @tp/compiler',
    anyOf: [plan, { $ref: '#/$defs/regimes' }],
    $defs: {
      plan: objectOf(planFields, ['format', 'method']),
      regimes: {
        type: 'object',
        description: 'plans by the size of a run, as tp optimize writes them',
        required: ['format', 'regimes'],
        properties: {
          $schema: { type: 'string' },
          format: { const: 1 },
          regimes: { type: 'array', minItems: 1, items: regimeOf(plan) },
          cascade: {
            ...jsonOf(fallbackRule),
            description: 'when answers of the last regime fall back to the dense model',
          },
        },
      },
    },
  }
  return `${JSON.stringify(schema, null, 2)}\n`
}

/** @param {JsonSchema} plan */
function regimeOf(plan) {
  const upTo = {
    type: 'integer',
    minimum: 1,
    description: 'most positions of a run, padding included; the last regime has no limit',
  }
  return { type: 'object', required: ['plan'], properties: { upTo, plan } }
}

/** @param {Fields} fields @param {readonly string[]} required @returns {JsonSchema} */
function objectOf(fields, required = []) {
  const entries = Object.entries(fields)
  const dependencies = Object.fromEntries(
    entries.flatMap(([name, { needs, excludes }]) => {
      if (needs === undefined && excludes === undefined) return []
      return [[name, { ...(needs && { anyOf: named(needs) }), ...(excludes && { not: { anyOf: named(excludes) } }) }]]
    }),
  )
  return {
    type: 'object',
    ...(required.length > 0 && { required }),
    additionalProperties: false,
    properties: Object.fromEntries(entries.map(([name, field]) => [name, propertyOf(field)])),
    ...(Object.keys(dependencies).length > 0 && { dependencies }),
  }
}

/** Objects that have one of these fields. @param {readonly string[]} names */
function named(names) {
  return names.map((name) => ({ required: [name] }))
}

/** @param {Field} field @returns {JsonSchema} */
function propertyOf({ schema, fields, description, default: preset }) {
  const form = fields === undefined ? jsonOf(schema) : objectOf(fields)
  return { ...form, description, ...(preset !== undefined && { default: preset }) }
}

/** @param {Field['schema']} schema @returns {JsonSchema} */
function jsonOf(schema) {
  const { $schema: _, ...json } = toJsonSchema(schema, {
    // A pipe counts by its last schema: JSON Schema says by itself that a record is an object and not a list.
    typeMode: 'output',
    overrideSchema: ({ valibotSchema }) => (valibotSchema.type === 'custom' ? {} : undefined),
  })
  return json
}

/** The fields of a plan, for a document. @param {Fields} fields */
export function planTable(fields) {
  const rows = Object.entries(fields)
    .filter(([name]) => name !== '$schema')
    .map(([name, { description, form, default: preset }]) => {
      const value = preset === undefined ? form : `${form}; default ${JSON.stringify(preset)}`
      return [`\`${name}\``, value, description].map((cell) => cell.replaceAll('|', '\\|'))
    })
  return markdownTable(['field', 'value', 'meaning'], rows)
}
