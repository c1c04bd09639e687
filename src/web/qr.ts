/** QR codes of a reference, to be read at the door. White around them, so that they can be read in dark mode too. */
import encodeQR from 'qr';

const LOOK = { ecc: 'medium', border: 4 } as const;

/** For a page: an `<svg>` element, black on what is behind it. */
export const qrSvg = (reference: string): string => encodeQR(reference, 'svg', LOOK);

/** For a mail: a GIF file, four pixels for each of the code's, so that it stays sharp. */
export const qrGif = (reference: string): Buffer =>
  Buffer.from(encodeQR(reference, 'gif', { ...LOOK, scale: 4 }));
