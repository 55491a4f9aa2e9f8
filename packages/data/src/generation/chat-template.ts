import { Template } from '@huggingface/jinja'
import { TpError } from '@tp/core'
import { isRecord } from '@tp/core/host'
import { readFolderJson, readFolderText } from '../inputs/model-folder.ts'
import { withinTime } from '../inputs/within-time.ts'

/** Writes one message of a user as the model was trained to read it, up to where its answer begins. */
export type ChatTemplate = (message: string) => string

/** The entry of tokenizer_config.json for it. */
interface TokenizerConfig {
  readonly chat_template?: unknown
  readonly [name: string]: unknown
}

const MILLISECONDS = 2000

/** A list of more numbers may be longer than a list can be before the time is over, which would end the process. */
const LONGEST_RANGE = 10_000

/** Jinja's `range`, for lists of bounded length. */
function range(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second]
  const length = Math.max(0, Math.ceil((stop - start) / step))
  if (!(length <= LONGEST_RANGE)) throw new Error(`range of ${length} numbers; the most are ${LONGEST_RANGE}`)
  return Array.from({ length }, (_, i) => start + i * step)
}

/**
 * The template of the model at `path`, in chat_template.jinja or tokenizer_config.json next to it, of several the default one; undefined
 * where it has none.
 * @throws TpError TP_TOKENIZER for one that cannot be read; the template itself throws it, too
 */
export async function readChatTemplate(path: string): Promise<ChatTemplate | undefined> {
  const config = (await readFolderJson(path, 'tokenizer_config.json')) as TokenizerConfig
  const source = (await readFolderText(path, 'chat_template.jinja')) ?? defaultOf(config.chat_template, path)
  if (source === undefined) return undefined
  const fail = (cause: unknown): TpError => {
    const reason = cause instanceof Error ? cause.message : String(cause)
    return new TpError('TP_TOKENIZER', 'data', `${path}: its chat template cannot be used (${reason})`, { cause })
  }
  const safely = <Result>(work: () => Result): Result => {
    try {
      // It comes with the model, and may never end.
      return withinTime(work, MILLISECONDS, () => new Error(`takes more than ${MILLISECONDS / 1000} s`))
    } catch (cause) {
      throw fail(cause)
    }
  }
  // A block takes the line break after it along.
  const template = safely(() => new Template(`{% set range = bounded_range %}\n${source}`))
  const tokens = Object.fromEntries(
    Object.entries(config).flatMap(([name, token]) => (name.endsWith('_token') ? [[name, contentOf(token)]] : [])),
  )
  return (message) =>
    safely(() =>
      template.render({
        ...tokens,
        bounded_range: range,
        messages: [{ role: 'user', content: message }],
        add_generation_prompt: true,
      }),
    )
}

/**
 * One template, or the one named `default` of several: others are for tools, or for documents to answer from.
 * @throws TpError TP_TOKENIZER for several of which none is
 */
function defaultOf(template: unknown, path: string): string | undefined {
  if (typeof template === 'string') return template
  if (!Array.isArray(template) || template.length === 0) return undefined
  const named = template.filter(isNamed)
  const source = named.find(({ name }) => name === 'default')?.template
  if (source !== undefined) return source
  const names = named.map(({ name }) => `"${name}"`).join(', ') || 'without names'
  const advice = 'name the one for plain messages "default", or put it into chat_template.jinja'
  throw new TpError('TP_TOKENIZER', 'data', `${path}: its chat templates are ${names}; ${advice}`)
}

function isNamed(value: unknown): value is { readonly name: string; readonly template: string } {
  return isRecord(value) && typeof value.name === 'string' && typeof value.template === 'string'
}

/** A special token is a text, or an object that describes it. */
function contentOf(token: unknown): unknown {
  return typeof token === 'object' && token !== null && 'content' in token ? token.content : token
}
