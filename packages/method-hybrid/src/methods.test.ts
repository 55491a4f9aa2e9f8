import { readFileSync } from 'node:fs'
import { readPlugin } from '@tp/core'
import { expect, test } from 'vitest'
import * as everything from './index.ts'

const { methods } = everything
const combinators = ['withFuse', 'withMerge']

test('the default export is a plugin with all methods', () => {
  expect(readPlugin(everything, 'method-hybrid').methods).toBe(methods)
})

test('every factory of the package is in the list, under its name in the form of command lines', () => {
  const others = ['default', 'methods', ...combinators]
  const factories = Object.keys(everything).filter((name) => !others.includes(name))
  const asCommand = factories.map((name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`))
  expect(methods.map(({ name }) => name).sort()).toEqual(asCommand.sort())
})

test('the README has a row for every method and every option', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [formulas, generated] = readme.split('<!-- generated: methods -->') as [string, string]
  const linesOf = (text: string, name: string): string[] =>
    text.split('\n').filter((line) => line.startsWith(`| \`${name}\` |`))
  const camelCase = (name: string): string => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
  for (const { name, options, paper } of methods) {
    const rows = linesOf(formulas, camelCase(name))
    expect(rows, name).toHaveLength(1)
    if (paper?.arxiv !== undefined) expect(rows[0]).toContain(paper.arxiv)
    const [row] = linesOf(generated, name)
    for (const option of Object.keys(options)) expect(row).toContain(`\`${option}\``)
  }
})
