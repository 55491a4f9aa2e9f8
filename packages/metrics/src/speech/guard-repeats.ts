import { repeats } from './repeats.ts'

/** The ways to write a clip down. Each yields after a token, if it can. */
export interface SpeechWays<Text> {
  /** By a pruned encoder. Stops where `stop` is true of the tokens so far, those of the prompt not among them. */
  pruned(stop: (tokens: readonly (number | bigint)[]) => boolean): AsyncGenerator<void, Text>
  /** By the whole encoder, to the end; absent where there is none. undefined: this one prunes all the same. */
  readonly whole?: (() => AsyncGenerator<void, Text | undefined>) | undefined
}

/** A text, and what the guard has done. */
export interface GuardedText<Text> {
  readonly text: Text
  /** Whether the decoder repeated itself over what the pruned encoder gives. */
  readonly repeated: boolean
  /** Whether the text is that of the whole encoder. */
  readonly byWhole: boolean
}

/**
 * Writes a clip down by a pruned encoder; as soon as the decoder repeats itself, by the whole one, whose text counts even if it repeats itself as well. So no
 * text has a loop that the dense model has not. Where there is no whole encoder, the text of the pruned one counts, and is marked.
 * @example
 * const { text, repeated } = await finish(guardRepeats({ pruned: (stop) => decode(states, stop), whole: () => decode(await allStates()) }))
 */
export async function* guardRepeats<Text>({
  pruned,
  whole,
}: SpeechWays<Text>): AsyncGenerator<void, GuardedText<Text>> {
  let repeated = false
  const first = yield* pruned((tokens) => {
    repeated ||= repeats(tokens)
    return repeated && whole !== undefined
  })
  const second = repeated && whole !== undefined ? yield* whole() : undefined
  return { text: second ?? first, repeated, byWhole: second !== undefined }
}

/** Goes through the steps that remain, and returns what they return. */
export async function finish<Value>(steps: AsyncGenerator<unknown, Value>): Promise<Value> {
  for (;;) {
    const step = await steps.next()
    if (step.done) return step.value
  }
}
