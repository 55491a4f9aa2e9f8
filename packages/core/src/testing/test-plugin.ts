import { expect, test } from 'vitest'
import { readPlugin } from '../method/plugin.ts'

export interface PluginTestOptions {
  /** The exports of the package. */
  readonly exports: Readonly<Record<string, unknown>>
  /** Name of the package in messages. */
  readonly name: string
  /** Exported functions that make no method of their own. */
  readonly combinators?: readonly string[]
  /** Text of the README: formulas, and after `<!-- generated: methods -->` the table of options. */
  readonly readme: string
}

/** The contract of packages of methods, as tests: its list of methods is whole, and so is its README. */
export function testPlugin({ exports, name, combinators = [], readme }: PluginTestOptions): void {
  const { methods } = readPlugin(exports, name)

  test('the default export is a plugin with all methods', () => {
    expect(methods).toBe(exports.methods)
  })

  const others = ['default', 'methods', ...combinators]
  const factories = Object.keys(exports).filter((factory) => !others.includes(factory))

  test('every factory refuses options that it does not know, and what is not an object', () => {
    for (const factory of factories) {
      const create = exports[factory] as (options: unknown) => unknown
      const refusal = expect.objectContaining({ code: 'TP_OPTION' })
      for (const options of [{ noSuchOption: 1 }, null, 'fast']) expect(() => create(options), factory).toThrow(refusal)
    }
  })

  test('every factory of the package is in the list, under its name in the form of command lines', () => {
    const asCommand = factories.map((factory) => factory.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`))
    expect(methods.map((method) => method.name).sort()).toEqual(asCommand.sort())
  })

  test('the README has a generated row for every method with every option, and formulas with their papers', () => {
    const [formulas, generated] = readme.split('<!-- generated: methods -->') as [string, string]
    const linesOf = (text: string, method: string): string[] =>
      text.split('\n').filter((line) => line.startsWith(`| \`${method}\` |`))
    const camelCase = (text: string): string => text.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
    for (const method of methods) {
      // Formulas are also in the doc comment, so that a method need not be in this table.
      const [formula, ...more] = linesOf(formulas, camelCase(method.name))
      expect(more, method.name).toEqual([])
      if (formula !== undefined && method.paper?.arxiv !== undefined) expect(formula).toContain(method.paper.arxiv)
      const [row] = linesOf(generated, method.name)
      expect(row, method.name).toBeDefined()
      for (const option of Object.keys(method.options)) expect(row).toContain(`\`${option}\``)
    }
  })
}
