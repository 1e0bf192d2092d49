/* Stands in for libgpiod 1: a chip is a text file that takes one line for each thing done. Line 99 belongs to somebody else. */
#include <stdio.h>
#include <stdlib.h>

struct line { FILE *file; unsigned int offset; int low; };

void *gpiod_chip_open(const char *path) { return fopen(path, "r+"); }

void *gpiod_chip_get_line(void *chip, unsigned int offset) {
  struct line *line = malloc(sizeof *line);
  line->file = chip;
  line->offset = offset;
  fseek(chip, 0, SEEK_END);
  return line;
}

int gpiod_line_request_output_flags(struct line *line, const char *consumer, int flags, int value) {
  if (line->offset == 99) return -1;
  line->low = flags & 4;
  fprintf(line->file, "take %u %s%s %d\n", line->offset, consumer, line->low ? " low" : "", value);
  return fflush(line->file);
}

int gpiod_line_set_value(struct line *line, int value) {
  fprintf(line->file, "set %u %d\n", line->offset, value);
  return fflush(line->file);
}

void gpiod_line_release(struct line *line) {
  fprintf(line->file, "release %u\n", line->offset);
  fflush(line->file);
}

void gpiod_chip_close(void *chip) { fclose(chip); }
