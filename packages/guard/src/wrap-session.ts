import type { Session } from '@tp/core/runtime'

/** A session that does what another one does, but for its own parts. The other may be of any class. */
export function wrapSession<Own extends Partial<Session>>(session: Session, own: Own): Session & Own {
  return Object.freeze({
    inputs: session.inputs,
    outputs: session.outputs,
    run: (...args) => session.run(...args),
    warmUp: (...args) => session.warmUp(...args),
    dispose: () => session.dispose(),
    [Symbol.asyncDispose]: () => session.dispose(),
    ...own,
  } satisfies Session & Own)
}
