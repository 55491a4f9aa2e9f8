/** Classes of SQLSTATE that pass: connections, transactions, resources, locks, and a server that starts or ends. */
const PASSING_STATES = ['08', '40', '53', '55', '57']

/** Errors of Valkey and Redis for commands that they may accept later. */
const PASSING_REPLIES = ['LOADING', 'MASTERDOWN', 'CLUSTERDOWN', 'TRYAGAIN', 'READONLY', 'BUSY']

/** Whether a server has refused a request and would refuse it again. Any other error means that it is away. */
export function isRefusal(error: unknown): boolean {
  const { name, message, code, severity } = error as Error & { readonly code?: unknown; readonly severity?: unknown }
  if (name === 'ReplyError') return !PASSING_REPLIES.includes(message.split(' ')[0] ?? '')
  return typeof code === 'string' && severity !== undefined && !PASSING_STATES.includes(code.slice(0, 2))
}
