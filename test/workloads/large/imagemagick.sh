# SPDX-License-Identifier: MIT
# ImageMagick: drawing, resizing, formats there and back, comparing, montages; its threads, and a pixel cache in a mapped file.
export MAGICK_TIME=0 HOME=$PWD
convert -size 200x100 gradient:red-blue a.ppm; md5sum <a.ppm
convert a.ppm -resize 50x50\! -rotate 30 -blur 0x2 b.ppm; identify -format '%wx%h %m %k\n' b.ppm
for f in png gif bmp tga pcx sgi miff tiff; do convert a.ppm c.$f; convert c.$f c.ppm; compare -metric AE a.ppm c.ppm null: 2>&1; echo " $f"; done
convert -size 64x64 xc:white -fill black -draw 'circle 32,32 32,10' -negate d.pgm; md5sum <d.pgm
convert a.ppm -colorspace gray -threshold 50% -format '%[fx:mean]\n' info:; montage a.ppm a.ppm -geometry 32x32+1+1 -tile 2x1 m.ppm; identify -format '%wx%h\n' m.ppm
MAGICK_THREAD_LIMIT=4 convert -size 1000x1000 plasma:fractal -seed 5 -gaussian-blur 0x3 e.miff; identify -format '%wx%h\n' e.miff
convert -limit memory 1MiB -limit map 4MiB -size 800x800 gradient: -flip -flop f.pgm; md5sum <f.pgm
convert nothing.png x.png 2>&1 | grep -c 'unable to open'; convert a.ppm -crop 10x10+5+5 +repage txt:- | head -3
