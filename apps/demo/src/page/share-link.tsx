import type { JSX } from 'preact'
import { useState } from 'preact/hooks'

export interface ShareLinkProps {
  /** The address of what is set now. */
  readonly address: () => string
}

/** Copies an address; where the browser does not let it, shows the address to be copied by hand. */
export function ShareLink({ address }: ShareLinkProps): JSX.Element {
  const [copied, setCopied] = useState<string>()
  const [shown, setShown] = useState<string>()
  const copy = async (): Promise<void> => {
    const text = address()
    try {
      await navigator.clipboard.writeText(text)
      setCopied(text)
    } catch {
      setShown(text)
    }
  }
  return (
    <div class="share">
      <button type="button" onClick={copy}>
        Copy a link to this text and setting
      </button>
      <span class="note" role="status">
        {copied === address() && copiedText(copied)}
      </span>
      {shown !== undefined && <input aria-label="Link to this text and setting" readOnly value={shown} />}
    </div>
  )
}

function copiedText(address: string): string {
  if (address.includes('&text=')) return 'Copied: whoever opens it sees this text.'
  return 'Copied: the setting alone, since the text is too long for a link.'
}
