/** QR codes of a reference, to be read at the door. White around them, so that they can be read in dark mode too. */
import QRCode from 'qrcode';

const LOOK = { margin: 4, errorCorrectionLevel: 'M' } as const;

/** For a page: an `<svg>` element. */
export const qrSvg = (reference: string): Promise<string> =>
  QRCode.toString(reference, { ...LOOK, type: 'svg' });

/** For a mail: a PNG file, whose size in pixels is a multiple of the code's so that it stays sharp. */
export const qrPng = (reference: string): Promise<Buffer> =>
  QRCode.toBuffer(reference, { ...LOOK, scale: 6 });
