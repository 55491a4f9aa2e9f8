import { dataError, listed } from '../datasets/table/data-error.ts'
import { readTable } from '../datasets/table/read-table.ts'
import type { TextTokenizer } from '../inputs/tokenizer.ts'
import type { ChatTemplate } from './chat-template.ts'

/** A text for a decoder to read, and the expected continuation. */
export interface Prompt {
  /** Token ids. */
  readonly tokens: readonly number[]
  /** The words that have to occur in the generated text. */
  readonly answer?: string
  /** Token ids of a text that follows; how likely it is tells what the decoder has understood. */
  readonly continuation?: readonly number[]
}

export interface PromptOptions {
  readonly tokenizer: TextTokenizer
  /** For the column `message`; absent where the model has none. */
  readonly template?: ChatTemplate | undefined
  /** The largest number of prompts to read. */
  readonly limit?: number | undefined
}

/**
 * The prompts of a table with a header: the column `prompt` is read as it is, `message` in the chat template of the model; `answer`
 * has to occur in what is generated, and of `continuation` the likelihood is measured. A row has one of either two.
 * @throws TpError TP_DATA naming the line, or the columns
 */
export async function readPrompts(path: string, { tokenizer, template, limit }: PromptOptions): Promise<Prompt[]> {
  const table = await readTable(path)
  const { names = table.rows[0]?.cells.map((cell) => cell ?? '') ?? [] } = table
  const header = names.map((name) => name.trim().toLowerCase())
  const column = (name: string): number => header.indexOf(name)
  const [prompt, message, answer, continuation] = ['prompt', 'message', 'answer', 'continuation'].map(column)
  const isKnown = [prompt, message].some(has) && [answer, continuation].some(has)
  if (!isKnown) {
    const forms = 'a column "prompt" or "message", and a column "answer" or "continuation"'
    throw dataError(path, `has the columns ${listed(names)}; prompts are read from ${forms}`)
  }
  const rows = table.rows.slice(table.names === undefined ? 1 : 0).slice(0, limit)
  if (rows.length === 0) throw dataError(path, 'holds no prompt')
  return rows.map(({ cells, line }) => {
    const where = `${path}, line ${line}`
    const cell = (index: number | undefined): string | undefined => (has(index) ? cells[index] : undefined) || undefined
    const [text, question] = [cell(prompt), cell(message)]
    if ((text === undefined) === (question === undefined))
      throw dataError(where, 'needs a prompt or a message, and not both')
    if (question !== undefined && template === undefined)
      throw dataError(where, 'has a message, and the model has no chat template (tokenizer_config.json); give prompts')
    const [expected, follows] = [cell(answer), cell(continuation)]
    if (expected === undefined && follows === undefined)
      throw dataError(where, 'has neither an answer nor a continuation')
    const tokens =
      question === undefined
        ? tokenizer.encode(text as string, Number.POSITIVE_INFINITY)
        : tokenizer.encodeAlone((template as ChatTemplate)(question))
    return {
      tokens,
      ...(expected !== undefined && { answer: expected }),
      ...(follows !== undefined && { continuation: tokenizer.encodeAlone(follows) }),
    }
  })
}

function has(column: number | undefined): column is number {
  return column !== undefined && column >= 0
}
