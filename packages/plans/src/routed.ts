import { TpError } from '@tp/core'
import { type NamedTensors, openSession, type Session } from '@tp/core/runtime'

export interface Route {
  /** The most positions of a run that it accepts; the last one accepts all. */
  readonly upTo?: number
  readonly session: Session
}

export interface RoutedOptions {
  /** Tokens of an input of a model that always has the same number; default: the length of the first input. */
  readonly tokens?: number
}

/**
 * One session out of several of the same model: each run goes to the first that accepts its size (batch size times tokens,
 * padding included). It owns them all. The answer to an example may depend on its batch as far as the models differ.
 * @throws TpError TP_OPTION if limits do not rise, or inputs differ
 */
export function routed(routes: readonly Route[], { tokens }: RoutedOptions = {}): Session {
  check(routes)
  const [first] = routes as [Route, ...Route[]]
  const routeOf = (feeds: NamedTensors): Session => {
    const [rows = 1, length = 1] = feeds[first.session.inputs[0]?.name ?? '']?.dims ?? []
    const positions = rows * (tokens ?? length)
    return (routes.find(({ upTo = Number.POSITIVE_INFINITY }) => positions <= upTo) as Route).session
  }
  return openSession('plans', {
    inputs: first.session.inputs,
    outputs: first.session.outputs,
    run: async (feeds, signal) => routeOf(feeds).run(feeds, { signal }),
    async close() {
      await Promise.all(routes.map(({ session }) => session.dispose()))
    },
  })
}

function check(routes: readonly Route[]): void {
  const fail = (message: string): never => {
    throw new TpError('TP_OPTION', 'plans', message)
  }
  const limits = routes.map(({ upTo = Number.POSITIVE_INFINITY }) => upTo)
  if (limits.at(-1) !== Number.POSITIVE_INFINITY || limits.some((limit, i) => !(limit > (limits[i - 1] ?? 0)))) {
    fail(`the limits of the routes are ${limits.join(', ')}; they must rise, and the last one has none`)
  }
  const names = routes.map(({ session }) => session.inputs.map(({ name }) => name).join(', '))
  const other = names.find((own) => own !== names[0])
  if (other !== undefined) fail(`the sessions have inputs ${names[0]} and ${other}; they must be of the same model`)
}
