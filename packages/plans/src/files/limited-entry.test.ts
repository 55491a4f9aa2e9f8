import type { Method, MethodEntry, Site } from '@tp/core'
import { expect, test } from 'vitest'
import { limitedEntry } from './limited-entry.ts'

const site = {} as Site
function entryWith(method: Partial<Method>, create?: MethodEntry['create']): MethodEntry {
  const own = Object.freeze({ name: 'own', family: 'baseline', ...method }) as Method
  return { name: 'own', family: 'baseline', description: 'keeps some', options: {}, create: create ?? (() => own) }
}
const endless = (): never => {
  for (;;);
}
const late = expect.objectContaining({
  code: 'TP_METHOD',
  message: expect.stringContaining('does not return after 0.05 s'),
})

test('ends a loop without end, in whichever function it is', () => {
  const limited = (entry: MethodEntry): MethodEntry => limitedEntry(entry, './own.mjs', 50)
  expect(() => limited(entryWith({}, endless)).create()).toThrow(late)
  expect(() =>
    limited(entryWith({ reduce: endless }))
      .create()
      .reduce(site),
  ).toThrow(late)
  const before = { ...entryWith({ reduce: endless }).create() }
  expect(() => limited(entryWith({ before })).create().before?.reduce(site)).toThrow(late)
})

test('gives what a method gives, and throws what it throws', () => {
  const reduction = {} as ReturnType<Method['reduce']>
  class Own {
    readonly name = 'own'
    reduce(): typeof reduction {
      return reduction
    }
  }
  const own = limitedEntry(
    entryWith({}, () => new Own() as unknown as Method),
    './own.mjs',
  ).create()
  expect(own.reduce(site)).toBe(reduction)
  const unreadable = new Proxy(
    {},
    {
      get() {
        throw null
      },
    },
  )
  for (const thrown of [null, { not: 'an error' }, unreadable]) {
    const throws = (): never => {
      throw thrown
    }
    const { reduce } = limitedEntry(entryWith({ reduce: throws }), './own.mjs').create()
    let caught: unknown
    try {
      reduce(site)
    } catch (error) {
      caught = error
    }
    expect(caught === thrown).toBe(true)
  }
})
