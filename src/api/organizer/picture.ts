/** What browsers show as a picture: a file is recognized by its first bytes, whatever its name or its sender says. */
const SIGNATURES: { type: string; at: number; bytes: string }[][] = [
  [{ type: 'image/jpeg', at: 0, bytes: 'ffd8ff' }],
  [{ type: 'image/png', at: 0, bytes: '89504e470d0a1a0a' }],
  // RIFF, the length of the file, WEBP.
  [
    { type: 'image/webp', at: 0, bytes: '52494646' },
    { type: 'image/webp', at: 8, bytes: '57454250' },
  ],
];

/** The media type of a JPEG, PNG or WebP file; undefined for anything else. */
export const pictureType = (content: Buffer): string | undefined =>
  SIGNATURES.find((parts) =>
    parts.every(({ at, bytes }) => content.toString('hex', at, at + bytes.length / 2) === bytes),
  )?.[0]?.type;
