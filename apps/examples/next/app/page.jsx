'use client'

import { useEffect, useState } from 'react'
import { compare } from './compare.js'

export default function Page() {
  const [mail, setMail] = useState('')
  const [lines, setLines] = useState([])
  useEffect(() => {
    async function run() {
      const text = await (await fetch('mail.txt')).text()
      setMail(text)
      setLines(await compare(text))
    }
    run()
  }, [])
  return (
    <>
      <blockquote style={{ whiteSpace: 'pre-wrap' }}>{mail}</blockquote>
      <output style={{ whiteSpace: 'pre' }}>{lines.join('\n')}</output>
    </>
  )
}
