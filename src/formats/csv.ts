/** Rows of a table as text: fields between commas, semicolons or tabs (whichever the first line has), or between spaces; quoted as RFC 4180 has it. */
export function readCsv(text: string): readonly (readonly string[])[] {
  const [head = ''] = text.trimStart().split(/\r?\n/, 1);
  const delimiter = [',', ';', '\t'].find((d) => head.includes(d)) ?? ' ';
  const rows: string[][] = [];
  let row: string[] = [];
  let field = '';
  let quoted = false;
  const endField = (): void => {
    row.push(field.trim());
    field = '';
  };
  const endRow = (): void => {
    endField();
    if (row.some((f) => f !== '')) rows.push(row);
    row = [];
  };
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    if (quoted) {
      if (c !== '"') field += c;
      else if (text.charAt(i + 1) === '"') field += text.charAt(++i);
      else quoted = false;
    } else if (c === '"' && field.trim() === '') quoted = true;
    else if (c === delimiter && !(delimiter === ' ' && field === '')) endField();
    else if (c === '\n') endRow();
    else field += c;
  }
  if (field !== '' || row.length > 0) endRow();
  return rows;
}
