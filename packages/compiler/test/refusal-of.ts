import { isRefused, type Refusal } from '../src/index.ts'

/** Why work on a model is refused; undefined where it is not. */
export function refusalOf(work: () => unknown): Refusal | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (isRefused(error)) return error.refusal
    throw error
  }
}
