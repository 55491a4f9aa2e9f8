import { type Digit, digitsData, embeddedModel, mailData } from '@tp/models'
import type { Plugin } from 'vite'
import { firstTokens } from './first-tokens.ts'

const MAILS = 8
const DIGITS = 5

/**
 * Small labeled sets on which the page measures accuracy, as modules: `virtual:mails` and `virtual:digits`. They are
 * every so-manieth example of the data that the models were not trained on.
 */
export function builtInSets(): Plugin {
  const sets: Readonly<Record<string, () => Promise<unknown>>> = {
    'virtual:mails': mails,
    'virtual:digits': async () => everyNth(digitsData('test'), DIGITS).map(digit),
  }
  return {
    name: 'built-in-sets',
    resolveId: (id) => (Object.hasOwn(sets, id) ? `\0${id}` : undefined),
    async load(id) {
      const set = id.startsWith('\0') ? sets[id.slice(1)] : undefined
      return set && `export default ${JSON.stringify(await set())}`
    },
  }
}

async function mails(): Promise<unknown> {
  const { maxTokens } = embeddedModel('mail')
  const cut = await firstTokens(maxTokens as number)
  return everyNth(mailData('test'), MAILS).map(({ text, label }) => ({ text: cut(text), label }))
}

function digit({ pixels, label }: Digit): { pixels: string; label: number } {
  const bytes = Uint8Array.from(pixels, (brightness) => Math.round(brightness * 255))
  return { pixels: Buffer.from(bytes).toString('base64'), label }
}

function everyNth<T>(items: readonly T[], n: number): T[] {
  return items.filter((_, i) => i % n === 0)
}
