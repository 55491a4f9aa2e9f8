/** Mails that the embedded model was not trained on; label 0 ham, 1 spam. */
declare module 'virtual:mails' {
  const mails: readonly { readonly text: string; readonly label: number }[]
  export default mails
}

/** Digits that the embedded model was not trained on: 28 × 28 bytes of brightness as base64, row by row. */
declare module 'virtual:digits' {
  const digits: readonly { readonly pixels: string; readonly label: number }[]
  export default digits
}

/** Address of a compressed copy of the file. */
declare module '*?gzip' {
  const address: string
  export default address
}
