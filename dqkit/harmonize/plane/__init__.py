"""Images of one plane that have no place in a volume: mammograms, radiographs, photographs of the retina.

They are volumes of one slice here, in a space of their own: x along the rows of the file, y down its columns, in mm (in
pixels where nothing says how large they are), with the origin at the file's first pixel. So the affine of every step
leads from a pixel back to the pixel of the file that it is. Colour has a first axis of three, as time would be.
"""
